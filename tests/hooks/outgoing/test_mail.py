"""Mail is handed to the operator's server: a real one here."""

import ssl

import pytest

from stratum.model import MessageState
from tests.certificates import new_certificate
from tests.mailbox import mailbox
from tests.news import end_build

TEAM = "team@example.com"


def tell(telling, url):
    """Have a failed build told by mail; return the message and its attempts."""
    telling.set(smtp_url=url, mail_from="stratum@example.com")
    subscriber, _ = telling.subscribe(f"mailto:{TEAM}")
    end_build(telling.side, telling.app, error="Procfile line 3: größer\n.\nas expected.")
    telling.look()
    [message] = telling.messages(subscriber)
    return message, telling.attempts(message)


def test_a_letter_says_what_happened_and_can_be_told_from_others(telling):
    with mailbox() as box:
        message, [attempt] = tell(telling, f"smtp://127.0.0.1:{box.port}")

    assert (message.state, attempt.status) == (MessageState.DELIVERED, 250)
    [letter] = box.letters
    assert (letter["From"], letter["To"]) == ("stratum@example.com", TEAM)
    said = "MyProdEnv/app02: build #1 of 3f2c1ab by admin has failed: Procfile line 3: größer . as expected."
    assert letter["Subject"] == said
    assert letter["Message-ID"] == f"<{message.key}@example.com>"
    assert letter["Auto-Submitted"] == "auto-generated"
    lines = letter.get_content().splitlines()
    assert lines[0] == said
    assert lines[2] == "Event: build.failed"
    assert lines[4] == "App: http://app02.myprodenv.localhost:8080"


def test_a_password_is_told_over_tls_to_who_proves_who_it_is(telling, tmp_path, monkeypatch):
    certificate = new_certificate(tmp_path / "mail.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with mailbox(tls) as box:
        message, _ = tell(telling, f"smtp://ops:p%40ss%3Aword%2F@localhost:{box.port}")

        assert message.state is MessageState.DELIVERED
        assert (box.signed_in, box.over_tls) == (["ops"], [True])
        telling.set(smtp_url=f"smtp://ops:wrong@localhost:{box.port}")
        end_build(telling.side, telling.app)
        telling.look()
        with telling.side.db.read() as tx:
            row = tx.exec_driver_sql("SELECT error, answer FROM attempts ORDER BY id DESC").first()

    assert row.error.startswith("the mail server said 535")
    assert "wrong" not in str(row)


def test_no_password_is_told_in_the_clear(telling):
    with mailbox() as box:
        message, [attempt] = tell(telling, f"smtp://ops:secret@127.0.0.1:{box.port}")

    assert attempt.error == (
        "the mail server: the mail server offers no STARTTLS, and is told no password in the clear"
    )
    assert (message.state, box.letters) == (MessageState.WAITING, [])


@pytest.mark.parametrize(
    ("refusal", "state"),
    [("450 try later", MessageState.WAITING), ("550 no such mailbox", MessageState.DEAD)],
)
def test_what_is_refused_for_now_is_tried_again_and_what_is_refused_for_good_is_dead(telling, refusal, state):
    with mailbox() as box:
        box.refusals = {TEAM: [refusal]}
        message, [attempt] = tell(telling, f"smtp://127.0.0.1:{box.port}")

    assert message.state is state
    assert attempt.error == f"the mail server refuses {TEAM}: {refusal[4:]}"
    assert attempt.status == int(refusal[:3])


def test_a_server_that_is_away_or_named_no_more_is_told(telling):
    with mailbox() as box:
        port = box.port
    message, [attempt] = tell(telling, f"smtp://127.0.0.1:{port}")

    assert attempt.error.startswith("the mail server: ")
    telling.set(smtp_url="")
    telling.make_due()
    telling.look()
    assert telling.attempts(message)[1].error == "the operator has named no mail server: STRATUM_SMTP_URL"
