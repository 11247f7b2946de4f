"""The use cases of notify: facts become messages, tries are recorded, subscriptions are kept."""

import base64
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
import uuid_utils.compat as uuids

from services.notify import repository
from services.notify.domain import (
    ENDS,
    MOOT_AFTER_END,
    TOLD,
    AddressRule,
    Kind,
    Outcome,
    Status,
    SubscriptionEnded,
    back_off,
    bullets,
    in_words,
    is_for_applicant,
    lane_of,
    may_know,
    message_key,
    pause,
    public_data,
    scope_of,
    values_of,
)
from services.notify.models import Attempt, Dossier, Message, Subscription
from services.notify.schemas import RedeliveryAsk, SubscriptionCreate
from shared.auth import Principal
from shared.errors import Text
from shared.events.base import Fact, split_reference
from shared.events.intake import DossierAccepted, DossierSubmitted, PaymentRequested, SupplementRequested
from shared.events.notify import MessageFailed, MessageSent
from shared.events.reference import Agency, Procedure
from shared.inbox import lock_heads
from shared.outbox import now, publish
from shared.reference import References
from shared.session import Session
from shared.tables import HeadRow
from shared.timeline import Event
from shared.worktime import local_date

APPLICANT = "applicant"
REDELIVERED_AT_ONCE = 500


# Facts


@dataclass
class Batch:
    """What one batch of facts needs and makes; it lives in the session of its transaction."""

    dossiers: dict[UUID, Dossier]
    subscriptions: list[Subscription]
    rows: list[dict[str, Any]] = field(default_factory=list)
    told: set[UUID] = field(default_factory=set)
    """Dossiers something was told of."""
    corrected: set[UUID] = field(default_factory=set)
    """Dossiers that were not late after all."""
    replaced: list[tuple[UUID, str, datetime]] = field(default_factory=list)
    """(dossier, notice, since when) of notices that are not to be paid any more."""


async def open_batch(session: Session, ids: Collection[UUID]) -> None:
    """Read what the facts about these dossiers need, in two statements."""
    found = await repository.dossiers(session, ids)
    session.info["batch"] = Batch(found, await repository.active_subscriptions(session))


def _dossier(session: Session, dossier_id: UUID) -> Dossier:
    """Return the dossier, an empty one if no fact has come yet that describes it."""
    batch: Batch = session.info["batch"]
    if dossier_id not in batch.dossiers:
        batch.dossiers[dossier_id] = Dossier(id=dossier_id, applicant_version=1, has_ended=False)
        session.add(batch.dossiers[dossier_id])
    return batch.dossiers[dossier_id]


def tell(session: Session, fact: Fact, event: Event) -> None:
    """Note what *fact* changes and make the messages about it; any fact is taken in any state."""
    batch: Batch = session.info["batch"]
    dossier, kind = _dossier(session, event.dossier_id), TOLD[type(fact)]
    _note(dossier, fact, kind)
    batch.told.add(dossier.id)
    if kind is Kind.LATE_WITHDRAWN:
        batch.corrected.add(dossier.id)
    if isinstance(fact, PaymentRequested):
        batch.replaced += [(dossier.id, notice_no, event.time) for notice_no in fact.replaces]
    if is_for_applicant(fact):
        batch.rows.append(_email(session, dossier, fact, event))
    for subscription in batch.subscriptions:
        if kind.event_type in subscription.event_types and may_know(
            subscription.scope, subscription.agency_code, dossier.channel, dossier.receiving_unit_code
        ):
            batch.rows.append(_webhook(dossier, subscription, fact, event))


def _note(dossier: Dossier, fact: Fact, kind: Kind) -> None:
    if isinstance(fact, DossierSubmitted | DossierAccepted):
        dossier.procedure_code, dossier.procedure_version = split_reference(fact.procedure)
        dossier.receiving_unit_code = fact.receiving_unit_code
        dossier.channel = fact.channel
        dossier.result_delivery = fact.result_delivery
    if isinstance(fact, DossierSubmitted):
        dossier.applicant_version = max(dossier.applicant_version, fact.applicant_version)
    if isinstance(fact, DossierAccepted):
        dossier.code = fact.code
    dossier.has_ended = dossier.has_ended or kind in ENDS


def change_applicant(session: Session, dossier_id: UUID, version: int) -> None:
    """A newer version of the applicant is the one that is read from now on."""
    dossier = _dossier(session, dossier_id)
    dossier.applicant_version = max(dossier.applicant_version, version)


def _email(session: Session, dossier: Dossier, fact: Fact, event: Event) -> dict[str, Any]:
    has_none = dossier.no_email_in_version == dossier.applicant_version
    row = _message(dossier, fact, event, APPLICANT, "email")
    version = repository.newest_version(row["template"])
    return row | {
        "template_version": version,
        "recipient_kind": APPLICANT,
        "status": Status.NO_ADDRESS if has_none else Status.PENDING,
        "data": _words(session, dossier, fact, event),
    }


def _webhook(dossier: Dossier, subscription: Subscription, fact: Fact, event: Event) -> dict[str, Any]:
    public = {
        "dossier_id": str(dossier.id),
        "code": dossier.code,
        "procedure_code": dossier.procedure_code,
        "receiving_unit_code": dossier.receiving_unit_code,
        **public_data(fact),
    }
    return _message(dossier, fact, event, str(subscription.id), "webhook") | {
        "recipient_kind": "subscriber",
        "subscription_id": subscription.id,
        "data": {name: value for name, value in public.items() if value is not None},
    }


def _message(dossier: Dossier, fact: Fact, event: Event, recipient: str, channel: str) -> dict[str, Any]:
    return {
        "id": message_key(event.id, recipient, channel),
        "dossier_id": dossier.id,
        "lane": lane_of(dossier.id, recipient, channel),
        "channel": channel,
        "template": TOLD[type(fact)],
        "template_version": 0,
        "subscription_id": None,
        "event_id": event.id,
        "event_type": event.type,
        "event_time": event.time,
        "correlation_id": event.correlation_id,
        "status": Status.PENDING,
    }


def _words(session: Session, dossier: Dossier, fact: Fact, event: Event) -> dict[str, str]:
    """Return the words of an e-mail as far as they are known without the person."""
    references: References = session.info["references"]
    key = ("procedure", dossier.procedure_code or "", dossier.procedure_version or 0)
    procedure: Procedure | None = references.get(*key) if dossier.procedure_code else None
    unit: Agency | None = references.find("agency", dossier.receiving_unit_code or "", local_date(event.time))
    words = repository.words()
    return {
        **values_of(fact, words),
        "dossier_id": str(dossier.id),
        "dossier_code": dossier.code or f"chưa cấp (mã nộp hồ sơ {dossier.id})",
        "event_time": in_words(event.time),
        "procedure_name": procedure.name if procedure else "thủ tục hành chính",
        "unit_name": unit.name if unit else f"Bộ phận Một cửa {dossier.receiving_unit_code or ''}".strip(),
        "limit_note": f"Ghi chú: {procedure.limit_note}." if procedure and procedure.limit_note else "",
        "result_delivery_words": words.of("result_delivery", dossier.result_delivery),
        **(_missing(fact, procedure) if isinstance(fact, SupplementRequested) else {}),
    }


def _missing(fact: SupplementRequested, procedure: Procedure | None) -> dict[str, str]:
    names = {component.code: component.name for component in procedure.components} if procedure else {}
    until = f"Đề nghị bổ sung trước hết {in_words(fact.respond_by)}.\n" if fact.respond_by else ""
    return {
        "components": bullets(names.get(code, code) for code in fact.component_codes),
        "respond_by_line": until,
    }


async def write_batch(session: Session) -> None:
    """Write the messages of the batch, take back what its facts made moot, and say what is next in each lane."""
    batch: Batch | None = session.info.get("batch")
    if batch is None:
        return
    if batch.rows:
        await repository.add_messages(session, batch.rows)
    if ended := {dossier_id for dossier_id in batch.told if batch.dossiers[dossier_id].has_ended}:
        await repository.make_moot(session, ended, MOOT_AFTER_END)
    if batch.corrected:
        await repository.take_back(session, batch.corrected, Kind.LATE)
        await repository.make_moot_corrections(session, batch.corrected)
    if batch.replaced:
        await repository.make_moot_notices(session, batch.replaced)
    lanes = {row["lane"] for row in batch.rows} | {lane_of(each, APPLICANT, "email") for each in batch.told}
    if lanes:
        await repository.settle_lanes(session, lanes)


# Tries


@dataclass(frozen=True)
class Tried:
    """A message as it was claimed, and what the try came to."""

    message: Message
    outcome: Outcome


async def record_tries(session: Session, tries: Sequence[Tried]) -> set[UUID]:
    """Record tries and announce what is final; return the subscriptions that answer again.

    A try whose lease ran out and that somebody else has taken up is not recorded: the other one will be.
    """
    heads = await lock_heads(session, sorted({tried.message.dossier_id for tried in tries}))
    outcomes = {tried.message.id: tried for tried in tries}
    rows, real_now = await repository.lock_messages(session, outcomes.keys())
    valid = [row for row in rows if row.status == Status.PENDING and row.n_tries == outcomes[row.id].message.n_tries]
    for row in valid:
        _record(session, row, outcomes[row.id].outcome, real_now)
        _announce(session, heads[row.dossier_id], row)
    await _note_missing_addresses(session, [(row, outcomes[row.id].outcome) for row in valid])
    answering = await _note_receivers(session, [(row, outcomes[row.id].outcome) for row in valid], real_now)
    await session.flush(uniform=True)
    await repository.settle_lanes(session, {row.lane for row in valid})
    return answering


def _record(session: Session, message: Message, outcome: Outcome, real_now: datetime) -> None:
    at = now(session)
    message.status, message.reason_code = outcome.status, outcome.reason
    message.leased_until = message.next_try_at = None
    message.recipient = outcome.recipient or message.recipient
    if outcome.status is Status.PENDING:
        message.n_failures += 1
        wait = max(back_off(message.n_failures), timedelta(seconds=outcome.wait_seconds))
        message.next_try_at = real_now + wait
    elif outcome.status is Status.SENT and message.sent_at is None:
        message.sent_at = at
    session.add(
        Attempt(
            message_id=message.id, attempt_no=message.n_tries, at=at, outcome=outcome.status,
            reason_code=outcome.reason, status_code=outcome.code,
        )
    )  # fmt: skip


def _announce(session: Session, head: HeadRow, message: Message) -> None:
    """Publish that a message was sent or given up; a message that is sent again on request is not news.

    Of a frozen dossier nothing is said, but the try is recorded: nobody gets the message twice.
    """
    if message.status not in {Status.SENT, Status.FAILED} or message.n_redeliveries or head.frozen_at is not None:
        return
    fields: dict[str, Any] = {
        "message_id": message.id,
        "template": message.template,
        "channel": message.channel,
        "recipient": message.recipient_kind,
    }
    sent = message.status == Status.SENT
    with structlog.contextvars.bound_contextvars(correlation_id=message.correlation_id):
        publish(
            session, head, MessageSent(**fields) if sent else MessageFailed(**fields, reason_code=message.reason_code)
        )


async def _note_missing_addresses(session: Session, tries: Sequence[tuple[Message, Outcome]]) -> None:
    versions = {row.dossier_id: done.applicant_version for row, done in tries if done.status is Status.NO_ADDRESS}
    if versions:
        for dossier_id, dossier in (await repository.dossiers(session, versions.keys())).items():
            dossier.no_email_in_version = versions[dossier_id]


async def _note_receivers(session: Session, tries: Sequence[tuple[Message, Outcome]], real_now: datetime) -> set[UUID]:
    """Count failures of receivers in a row: one that fails again and again rests as a whole."""
    done = {row.subscription_id: outcome for row, outcome in tries if row.subscription_id}
    answering = set()
    for subscription in (await repository.lock_subscriptions(session, done.keys())).values() if done else ():
        outcome = done[subscription.id]
        if outcome.is_gone and subscription.status == "active":
            subscription.status, subscription.ended_at = "gone", now(session)
        elif outcome.status is Status.SENT and subscription.n_failures:
            subscription.n_failures, subscription.paused_until = 0, None
            answering.add(subscription.id)
        elif outcome.status is Status.PENDING:
            subscription.n_failures += 1
            subscription.paused_until = real_now + pause(subscription.n_failures)
    return answering


async def close_ended(session: Session, limit: int = 200) -> bool:
    """Give up what waits for subscriptions that have ended; True if there was any."""
    found = await repository.undeliverable(session, limit)
    if not found:
        return False
    heads = await lock_heads(session, sorted({dossier_id for dossier_id, _ in found}))
    rows, _ = await repository.lock_messages(session, [message_id for _, message_id in found])
    for row in rows:
        if row.status == Status.PENDING:
            row.status, row.reason_code, row.next_try_at = Status.FAILED, "subscription_ended", None
            _announce(session, heads[row.dossier_id], row)
    return True


# Subscriptions


async def create_subscription(session: Session, given: SubscriptionCreate, by: Principal) -> Subscription:
    """Subscribe the caller to facts about the dossiers it may know; UnsafeUrl if the address may not be called."""
    address_rule(session).check_url(given.url)
    scope = scope_of(by.roles, by.agency_code)
    subscription = Subscription(
        id=uuids.uuid7(),
        url=given.url,
        secret="whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
        event_types=sorted(set(given.event_types)),
        description=given.description,
        scope=scope,
        agency_code=by.agency_code,
        created_by=by.subject,
        status="active",
        created_at=now(session),
        n_failures=0,
    )
    session.add(subscription)
    return subscription


def address_rule(session: Session) -> AddressRule:
    """Return where webhooks may go, by the settings of this service."""
    settings = session.info["settings"]
    trusted = (host.strip().lower() for host in settings.webhook_trusted_hosts.split(","))
    return AddressRule(settings.mode == "local", frozenset(host for host in trusted if host))


async def delete_subscription(session: Session, subscription_id: UUID, by: Principal) -> None:
    """End a subscription; what still waits for it is given up."""
    await repository.get_subscription(session, subscription_id, by)
    subscription = (await repository.lock_subscriptions(session, [subscription_id]))[subscription_id]
    subscription.status = "deleted"
    subscription.ended_at = subscription.ended_at or now(session)


async def redeliver(
    session: Session, subscription_id: UUID, ask: RedeliveryAsk, by: Principal
) -> tuple[int, datetime | None]:
    """Send messages again under their old keys; return how many, and from when on to ask for more."""
    subscription = await repository.get_subscription(session, subscription_id, by)
    if subscription.status != "active":
        raise SubscriptionEnded(Text("Đăng ký không còn hoạt động", "the subscription is not active"))
    if ask.since is None:
        assert ask.message_id is not None  # noqa: S101 - the body has exactly one of the two
        chosen = [await repository.get_message(session, ask.message_id, subscription_id)]
    else:
        chosen = await repository.finished_since(session, subscription_id, ask.since, REDELIVERED_AT_ONCE)
    await _send_again(session, chosen)
    more = chosen[-1].event_time if len(chosen) == REDELIVERED_AT_ONCE else None
    return len(chosen), more


async def _send_again(session: Session, chosen: Sequence[Message]) -> None:
    if not chosen:
        return
    await lock_heads(session, sorted({message.dossier_id for message in chosen}))
    rows, _ = await repository.lock_messages(session, [message.id for message in chosen])
    for row in rows:
        if row.status != Status.PENDING:
            row.status, row.reason_code = Status.PENDING, ""
            row.n_failures, row.n_redeliveries = 0, row.n_redeliveries + 1
    lanes = {row.lane for row in rows}
    await session.flush(uniform=True)
    await repository.settle_lanes(session, lanes)
