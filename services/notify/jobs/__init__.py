"""The timed work of notify: claim due messages, send them outside any transaction, record what came of it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

import structlog

from services.notify import handlers, repository
from services.notify.domain import Outcome, Status
from services.notify.handlers import Tried
from services.notify.jobs import email, webhook
from services.notify.models import Message
from shared.service import Service
from shared.session import Session

log = structlog.get_logger(__name__)

EMAILS = 16
LONGEST_TRY_SECONDS = 40
"""Shorter than a lease."""
GATHER_SECONDS = 0.02

Sending = Callable[[], Awaitable[Outcome]]


async def send_emails(service: Service, server: email.MailServer) -> bool:
    """Send one batch of e-mails; True if there was work. Several workers may do this at once."""
    async with service.sessions.begin(uniform=True) as session:
        claimed = await repository.claim_emails(session, EMAILS)
    await _send(service, [(one, partial(email.send, service.peers, server, one, to)) for one, to in claimed])
    return bool(claimed)


async def send_webhooks(service: Service) -> bool:
    """Send one batch of webhooks; True if there was work. Several workers may do this at once."""
    async with service.sessions.begin(uniform=True) as session:
        claimed = await repository.claim_webhooks(session)
        rule = handlers.address_rule(session)
    await _send(service, [(one, partial(webhook.send, service.client, rule, one, to)) for one, to in claimed])
    return bool(claimed)


async def close_ended(session: Session, now: datetime) -> bool:  # noqa: ARG001 - the shape of a job
    """Give up what waits for subscriptions that have ended."""
    return await handlers.close_ended(session)


async def _send(service: Service, tries: list[tuple[Message, Sending]]) -> None:
    """Run *tries* at once and record each soon after it ended, those that end together in one transaction."""
    waiting = {asyncio.create_task(_try(message, sending)) for message, sending in tries}
    try:
        while waiting:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(GATHER_SECONDS)
            done = {task for task in waiting if task.done()}
            waiting -= done
            await _record(service, [task.result() for task in done])
    finally:
        for task in waiting:
            task.cancel()


async def _try(message: Message, sending: Sending) -> Tried:
    try:
        async with asyncio.timeout(LONGEST_TRY_SECONDS):
            return Tried(message, await sending())
    except TimeoutError:
        return Tried(message, Outcome(Status.PENDING, "timeout"))
    except Exception as error:  # noqa: BLE001 - a message that can not even be written must not stop the others
        return _defect(message, error)


def _defect(message: Message, error: Exception) -> Tried:
    """Log what went wrong, without the error's words: they may hold an address."""
    log.error("message_defect", message_id=str(message.id), error=type(error).__name__)
    return Tried(message, Outcome(Status.PENDING, "internal_error"))


async def _record(service: Service, tries: list[Tried]) -> None:
    async with service.sessions.begin(uniform=True) as session:
        answering = await handlers.record_tries(session, tries)
    for subscription_id in answering:
        async with service.sessions.begin(uniform=True) as session:
            await repository.wake(session, subscription_id)
