"""Review apps of which nothing was heard for too long: what told of a pull request's end may be lost."""

import logging

from runner.apply.parts import Parts
from stratum.store.clock import now
from stratum.verbs.reviews import end_forgotten, forgotten

log = logging.getLogger(__name__)


def end_reviews(parts: Parts) -> None:
    """Have those destroyed that are older than their policy lets them be."""
    with parts.database.read() as tx:
        if not forgotten(tx, now()):
            return
    with parts.database.write() as tx:
        ended = end_forgotten(tx, now())
    log.info("nothing was heard for too long of the review apps %s", ", ".join(ended))
