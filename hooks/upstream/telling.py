"""Telling a git server once what becomes of a commit; it is taken before, so that a kill leaves it due."""

import logging
import random
from dataclasses import replace
from datetime import datetime, timedelta

from hooks.outgoing.backoff import again_after_s
from hooks.outgoing.http import Answer
from hooks.upstream.deployments import Deployment, deploy
from hooks.upstream.exchange import Exchange
from hooks.upstream.statuses import Said, is_known_already, status
from hooks.upstream.subjects import Saying, look_up
from stratum.errors import InvalidInput
from stratum.instance import Instance
from stratum.model import CommitStatus
from stratum.store import Database, statuses
from stratum.store.clock import in_seconds, now

log = logging.getLogger(__name__)

LOST_AFTER_S = 180.0  # more than three requests take, slow look-ups of the name included
_OURS = "Stratum itself failed to send it; the server's log says why"


def tell(instance: Instance, db: Database, due: CommitStatus) -> None:
    """Tell what there is to say, if that is not what was told, and note how it went.

    Raises:
        Unavailable: the database cannot be used; it stays due.
    """
    with db.write(synced=False) as tx:
        taken = statuses.begin(tx, due, in_seconds(LOST_AFTER_S))
        saying = None if taken is None else look_up(tx, instance, taken)
        if taken is None:
            return
        if saying is None:
            statuses.settle(tx, taken)
            return
    # Not by the attempts: these are counted anew with each thing that there is to say.
    was_tried = bool(due.error) or due.busy_until is not None
    answer = _answer(instance, db, taken, saying, was_tried=was_tried)
    with db.write() as tx:
        if answer.error:
            statuses.record_failure(tx, taken, answer.status, answer.error, _again_at(taken, answer))
        else:
            statuses.record_told(tx, taken, saying.word, answer.status)
    log.info("%s %s of %s: %s", taken.kind, saying.word, taken.commit, answer.error or answer.status)


def _answer(
    instance: Instance, db: Database, taken: CommitStatus, saying: Saying, *, was_tried: bool
) -> Answer:
    try:
        exchange = Exchange.of(instance, saying.webhook, saying.upstream)
        if isinstance(saying.what, Deployment):
            return _deployed(db, exchange, taken, saying.what, may_be_there=was_tried)
        return _said(exchange, saying.what)
    except InvalidInput as error:
        return Answer(None, error.message.rstrip("."))
    except Exception:  # else it would be due again for ever
        log.exception("telling of %s failed", taken.commit)
        return Answer(None, _OURS)


def _said(exchange: Exchange, said: Said) -> Answer:
    sent = status(exchange.provider, exchange.repository, said)
    answer = exchange.post(sent.below, sent.body)
    is_known = is_known_already(exchange.provider, answer.status, answer.text)
    return replace(answer, error="") if is_known else answer


def _deployed(
    db: Database, exchange: Exchange, taken: CommitStatus, one: Deployment, *, may_be_there: bool
) -> Answer:
    def note(remote_id: str) -> None:
        with db.write() as tx:
            statuses.note_remote(tx, taken, remote_id)

    return deploy(exchange, one, taken.remote_id, may_be_there=may_be_there, note=note)


def _again_at(taken: CommitStatus, answer: Answer) -> datetime | None:
    wait_s = again_after_s(taken.attempts, random.random(), answer.again_after_s)
    return None if wait_s is None else now() + timedelta(seconds=wait_s)
