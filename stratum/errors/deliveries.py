"""A web hook's delivery cannot be taken, or its source not fetched."""

from collections.abc import Sequence

from stratum.errors.access import Denied
from stratum.errors.found import Conflict
from stratum.errors.given import InvalidInput


class BadSignature(Denied):
    """A delivery is not signed with a secret of its web hook.

    Attributes:
        reason: a clause without a full stop, which tells nothing of the secret.
    """

    slug = "bad-signature"

    def __init__(self, reason: str, hint: str = "Give the sender the secret that was shown here.") -> None:
        super().__init__(f"The delivery is not taken: {reason}.", hint)
        self.reason = reason


class WebhookDisabled(Denied):
    """The web hook is switched off."""

    slug = "webhook-disabled"

    def __init__(self) -> None:
        super().__init__("This web hook is disabled.", "Enable it: stratum webhooks set ID --enable.")


class DeliveryMalformed(InvalidInput):
    """A delivery is not what its sender's documentation says.

    Attributes:
        reason: a clause without a full stop.
    """

    slug = "malformed-delivery"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The delivery cannot be read: {reason}.", "See that the web hook is of this provider."
        )
        self.reason = reason


class HostKeyChanged(Conflict):
    """An SSH server is not the one that a web hook's source was fetched from before, or has another key.

    Attributes:
        host: its name.
        known: fingerprints of the keys that it may have.
        shown: the fingerprint of the one that it has.
    """

    slug = "host-key-changed"

    def __init__(self, host: str, known: Sequence[str], shown: str, mend: str) -> None:
        super().__init__(
            f"{host} has the host key {shown}, not {' or '.join(known)}; it may be somebody else's server.",
            f"If its operator says that the new one is right: {mend}",
        )
        self.host, self.known, self.shown = host, tuple(known), shown
