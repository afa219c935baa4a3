"""Reading a delivery's body: JSON, or a form with JSON in its field `payload`. Pure.

Whatever is asked for is there, of its kind and fit to be stored, or the delivery is malformed.
"""

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import parse_qs

from dulwich.refs import Ref, check_ref_format

from hooks.webhooks.delivery import Delivery
from stratum.errors import DeliveryMalformed

FORM = "application/x-www-form-urlencoded"
MAX_REF = 255
MAX_NUMBER = 2**31 - 1
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_BEGINNING = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True)
class Part:
    """An object of the body, with the way to it for those who read an error.

    Attributes:
        where: as `push.changes[0].`; empty for the body itself.
    """

    value: dict[str, Any]
    where: str = ""

    @classmethod
    def read(cls, delivery: Delivery) -> Self:
        """Read the body.

        Raises:
            DeliveryMalformed: it holds no JSON object.
        """
        text: bytes | str = delivery.body
        if delivery.first("content-type").partition(";")[0].strip().lower() == FORM:
            text = _payload(delivery.body)
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            reason = "its body is no JSON"
            raise DeliveryMalformed(reason) from error
        if not isinstance(found, dict):
            reason = "its body is no JSON object"
            raise DeliveryMalformed(reason)
        return cls(found)

    def text(self, name: str) -> str:
        """Return a text; empty where there is none, or null."""
        found = self.value.get(name)
        if found is None:
            return ""
        if not isinstance(found, str):
            raise self._wrong(name, "a text")
        # Half a pair of UTF-16 is no character: it could be written nowhere.
        return found.encode("utf-8", "replace").decode()

    def short(self, name: str) -> str:
        """Return a text that is only shown; of a very long one the beginning."""
        return self.text(name)[:MAX_REF]

    def truth(self, name: str) -> bool | None:
        """Return whether something is so; None where nothing is said."""
        found = self.value.get(name)
        if found is not None and not isinstance(found, bool):
            raise self._wrong(name, "true or false")
        return found

    def part(self, name: str) -> "Part | None":
        """Return an object; None where there is none, or null."""
        found = self.value.get(name)
        if found is None:
            return None
        if not isinstance(found, dict):
            raise self._wrong(name, "an object")
        return Part(found, f"{self.where}{name}.")

    def needed(self, name: str) -> "Part":
        """Return an object that must be there."""
        found = self.part(name)
        if found is None:
            raise self._wrong(name, "an object")
        return found

    def parts(self, name: str) -> list["Part"]:
        """Return a list of objects; empty where there is none."""
        found = self.value.get(name)
        if found is None:
            return []
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise self._wrong(name, "a list of objects")
        return [Part(one, f"{self.where}{name}[{number}].") for number, one in enumerate(found)]

    def texts(self, name: str) -> list[str]:
        """Return a list of texts; empty where there is none."""
        found = self.value.get(name)
        if found is None:
            return []
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise self._wrong(name, "a list of texts")
        return [str(one) for one in found]

    def ref(self, name: str, *, within: str = "") -> str:
        """Return the full name of a ref.

        Args:
            within: what goes before it where the sender says only the rest: `refs/heads/`.
        """
        found = f"{within}{self.text(name)}"
        below = found.removeprefix("refs/")
        if below == found or len(found) > MAX_REF or not check_ref_format(Ref(below.encode())):
            raise self._wrong(name, "the name of a ref")
        return found

    def commit(self, name: str) -> str:
        """Return the id of a commit; empty where it is null or all zeros, as of a ref that is not there."""
        found = self.text(name)
        if not found.strip("0"):
            return ""
        if not _COMMIT.fullmatch(found):
            raise self._wrong(name, "the id of a commit")
        return found

    def beginning(self, name: str) -> str:
        """Return how the id of a commit begins, which is all that some say of it."""
        found = self.text(name)
        if not _BEGINNING.fullmatch(found):
            raise self._wrong(name, "the id of a commit")
        return found

    def number(self, name: str) -> int:
        """Return a whole number from 1."""
        found = self.value.get(name)
        if not isinstance(found, int) or isinstance(found, bool) or not 0 < found <= MAX_NUMBER:
            raise self._wrong(name, f"a whole number from 1 to {MAX_NUMBER}")
        return found

    def moment(self, name: str) -> datetime | None:
        """Return a time, of ISO 8601, `2026-11-22 19:00:00 UTC` or in ms since 1970; None where none is."""
        found = self.value.get(name)
        with suppress(ValueError, OverflowError, OSError):
            if isinstance(found, int) and not isinstance(found, bool):
                return datetime.fromtimestamp(found / 1000, UTC)
            if isinstance(found, str):
                read = datetime.fromisoformat(found.replace(" UTC", "+00:00"))
                return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
        if found is None:
            return None
        raise self._wrong(name, "a time")

    def _wrong(self, name: str, kind: str) -> DeliveryMalformed:
        return DeliveryMalformed(f"{self.where}{name} is not {kind}")


def _payload(body: bytes) -> str:
    try:
        fields = parse_qs(body.decode("ascii"), errors="strict", max_num_fields=10)
    except ValueError as error:
        reason = "its body is no form"
        raise DeliveryMalformed(reason) from error
    if len(fields.get("payload", ())) != 1:
        reason = "its form has no field payload, or several"
        raise DeliveryMalformed(reason)
    return fields["payload"][0]
