"""What is said of a redis that cannot be used."""

import pytest

from stratum.errors import InvalidInput, QueueUnavailable
from stratum.queue import check_redis


@pytest.mark.parametrize(
    "url", ["http://:s3cret@host", "redis://:s3cret@host:port/0", "redis://:s3cret@127.0.0.1:1"]
)
def test_no_word_of_a_url_that_is_refused_is_its_password(url):
    with pytest.raises((InvalidInput, QueueUnavailable)) as refused:
        check_redis(url)

    assert url.rpartition("@")[2] in str(refused.value)
    assert "s3cret" not in str(refused.value)
