import json
import os
from dataclasses import asdict

import pytest

from hooks.webhooks.ssh.keys import MAX_HOST_KEY, MAX_HOST_KEYS, new_deploy_key
from hooks.webhooks.ssh.order import MAX_BYTES, MAX_DETAIL, Answer, Order, Verdict, give, pipes, take

KEYS = tuple(new_deploy_key("stratum:E/a").private for _ in range(2))
LARGEST = Order("::1", 65535, "u" * 64, "x" * 2000, ("k" * MAX_HOST_KEY,) * MAX_HOST_KEYS, KEYS)


def test_an_order_and_its_answer_come_as_they_were_given():
    answer = Answer(Verdict.HOST_KEY, "another \u20ac", "ssh-ed25519 AAAA")
    with pipes(LARGEST) as found:
        assert found.answer() is None
        told, answers = map(os.dup, found.passed)
        assert take(told) == LARGEST
        give(answers, answer)
        assert found.answer() == answer


def test_the_largest_order_fits_where_nobody_reads_yet():
    assert len(json.dumps(asdict(LARGEST))) < MAX_BYTES


@pytest.mark.parametrize("letter", ["x", "\u20ac", "\U0001f512", '"', "\0", "\udc80"])
def test_an_answer_with_words_without_end_waits_for_nobody(letter):
    with pipes(Order("::1", 22)) as found:
        give(os.dup(found.passed[1]), Answer(Verdict.FAILED, letter * 1_000_000, "k" * MAX_HOST_KEY))
        said = found.answer()
    assert said is not None
    assert len(said.detail) == MAX_DETAIL


def test_what_is_no_answer_is_none():
    for said in (b"", b"{", b"[]", b"{}", b'{"verdict": "x", "detail": "", "host_key": ""}', b"\xff"):
        with pipes(Order("::1", 22)) as found:
            os.write(found.passed[1], said)
            assert found.answer() is None


def test_an_order_is_read_once():
    with pipes(Order("::1", 22)) as found:
        take(os.dup(found.passed[0]))
        assert os.read(found.passed[0], 1) == b""
