"""What is sent of a piece of news, in the form that each channel takes. Pure."""

import json
from collections.abc import Callable, Mapping

from hooks.outgoing.wording import sentence
from stratum.hookscripts.environ import Occasion, envelope
from stratum.hookscripts.runner import named
from stratum.instance import Instance
from stratum.model import App, Channel, News


def body(channel: Channel, one: News, app: App, instance: Instance) -> str:
    """Write a message."""
    return _BODIES[channel](one, app, instance)


def _signed(one: News, app: App, instance: Instance) -> str:
    """As Standard Webhooks 1.0.0 recommends: `type`, `timestamp` and `data`, with the app's name in it."""
    return envelope(Occasion(one.kind.value, one.at, named(app, instance), one.data))


def _slack(one: News, app: App, _: Instance) -> str:
    """As incoming web hooks of Slack take it, with the three letters escaped that mean something there.

    Source: Slack's manual, "Formatting text for app surfaces", escaping; so nobody is called by `<!channel>`.
    """
    text = sentence(one.kind, app.label, one.data)
    for letter, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(letter, escaped)
    return json.dumps({"text": text, "mrkdwn": False})


def _mail(one: News, app: App, instance: Instance) -> str:
    """The subject, an empty line, and the text."""
    said = sentence(one.kind, app.label, one.data)
    lines = [said, "", said, "", f"Event: {one.kind}", f"When: {one.at:%Y-%m-%d %H:%M:%S} UTC"]
    return "\n".join([*lines, f"App: {named(app, instance)['url']}", ""])


_BODIES: Mapping[Channel, Callable[[News, App, Instance], str]] = {
    Channel.WEBHOOK: _signed,
    Channel.SLACK: _slack,
    Channel.MAIL: _mail,
}
