"""What chats get is one line in words, which calls nobody."""

import pytest

from hooks.outgoing.body import body
from stratum.model import BuildState, Channel, MessageState, News, NewsKind
from stratum.store.clock import now
from tests.news import end_build


def test_a_chat_is_told_in_words_without_a_signature(telling, told):
    subscriber, secret = telling.subscribe(f"slack+{told.url}")
    telling.side.release(telling.app)
    end_build(telling.side, telling.app, error="web: it <!channel> & that\nfailed.")
    end_build(telling.side, telling.app, BuildState.CANCELED, error="admin asked for it.")

    telling.look()

    assert secret == ""
    assert subscriber.shown == f"slack+http://{told.place}/…"
    assert [one.json for one in told.got] == [
        {"text": f"MyProdEnv/app02: {text}", "mrkdwn": False}
        for text in (
            "build #1 of 3f2c1ab by admin has succeeded.",
            "v1 is live: push 3f2c1ab, by admin.",
            "build #2 of 3f2c1ab by admin has failed: web: it &lt;!channel&gt; &amp; that failed.",
            "build #3 of 3f2c1ab by admin was canceled: admin asked for it.",
        )
    ]
    assert told.got[0].path == "/told"
    assert not any(name.startswith("webhook-") for name in told.got[0].headers)
    assert {one.state for one in telling.messages(subscriber)} == {MessageState.DELIVERED}


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        (
            NewsKind.RELEASE_FAILED,
            {
                "release": {"version": 3, "cause": "vars: set A", "who": "ci"},
                "rollout": {"number": 4, "error": "web.1 ended."},
            },
            "v3 (vars: set A, by ci) did not go live: web.1 ended.",
        ),
        (
            NewsKind.CRASH_LOOPING,
            {
                "process": {"target": "web", "index": 1, "release": "v3"},
                "crash": {"message": "web.1 of v3 is crash-looping since 12:00: 3 crashes"},
            },
            "web.1 of v3 is crash-looping since 12:00: 3 crashes",
        ),
        (NewsKind.TEST, {"who": "ci"}, "a test by ci; nothing has happened."),
    ],
)
def test_each_kind_of_news_has_its_words(telling, kind, data, said):
    news = News(1, telling.app.id, kind, now(), data)

    letter = body(Channel.MAIL, news, telling.app, telling.side.instance)

    assert letter.splitlines()[0] == f"MyProdEnv/app02: {said}"


def test_what_is_long_or_has_no_lines_becomes_one_short_line(telling):
    build = {"number": 1, "commit": "a" * 40, "who": "ci", "error": "a\r\nBcc: x\0\u2028" + "y" * 5000}
    news = News(1, telling.app.id, NewsKind.BUILD_FAILED, now(), {"build": build})

    first = body(Channel.MAIL, news, telling.app, telling.side.instance).splitlines()[0]

    assert first.startswith("MyProdEnv/app02: build #1 of aaaaaaa by ci has failed: a Bcc: x yyy")
    assert first.endswith("…") and len(first) < 400
