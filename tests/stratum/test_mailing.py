"""What is an address of mail, and of a server that takes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stratum.errors import InvalidInput
from stratum.mailing import MailServer, checked_address


def test_a_server_is_read_with_its_usual_port_and_its_password():
    assert MailServer.parse("") is None
    assert MailServer.parse("smtp://mail.example.com") == MailServer("mail.example.com", 587, False, "", "")
    assert MailServer.parse("smtps://ops:p%40s@mail:1465/") == MailServer("mail", 1465, True, "ops", "p@s")


@pytest.mark.parametrize(
    "text",
    [
        "a:s3cret@mail:25",
        "http://a:s3cret@mail",
        "smtp://a:s3cret@",
        "smtp://a:s3cret@m:0",
        "smtp://s3cret@[",
    ],
)
def test_what_names_no_server_is_refused_without_its_password(text):
    with pytest.raises(InvalidInput) as refused:
        MailServer.parse(text)

    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("given_text", ["team@example.com", "a+b_c'd@x", "A.B@sub.example.co"])
def test_an_address_is_taken_as_it_is(given_text):
    assert checked_address(given_text) == given_text


@given(
    st.one_of(
        st.text(),
        st.text().map("a@".__add__),
        st.sampled_from(
            ["a@b\r\nRCPT TO:<x@y>", "a b@c", "<a@b>", "a@b?cc=x", "@b", "a@", "a@-b", "ä@b", "a@b,c@d"]
        ),
    )
)
def test_no_address_has_what_means_something_to_a_mail_server(text):
    try:
        found = checked_address(text)
    except InvalidInput:
        return
    assert found.isascii() and found.count("@") == 1
    assert not set(found) & set(' \r\n\t<>,;:"()[]\\\0')
