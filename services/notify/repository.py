"""Every query of notify, and its texts."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Uuid,
    any_,
    bindparam,
    false,
    func,
    select,
    text,
    true,
    tuple_,
    update,
)

from services.notify.domain import Kind, Scope, Status, Template, Words, scope_of
from services.notify.models import Attempt, Dossier, Message, Subscription
from shared.auth import Principal, Role
from shared.errors import DossierUnknown, NotFound
from shared.session import Session

TEMPLATES = Path(__file__).with_name("templates")
LEASE = text("interval '60 seconds'")
"""Longer than any try may take, so that only a dead worker's message is taken over."""
WEBHOOKS_EACH = 16


# Texts


@cache
def templates() -> dict[tuple[str, int], Template]:
    """Return all versions of all templates."""
    rows = json.loads((TEMPLATES / "email.vi.json").read_text(encoding="utf-8"))
    made = [Template(row["code"], row["version"], row["subject"], "\n".join(row["body"])) for row in rows]
    return {(one.code, one.version): one for one in made}


@cache
def newest_version(code: str) -> int:
    """Return the newest version of a template; 0 where subscribers are told and no words are needed."""
    return max((version for a_code, version in templates() if a_code == code), default=0)


@cache
def words() -> Words:
    """Return the words for codes."""
    return Words(json.loads((TEMPLATES / "words.vi.json").read_text(encoding="utf-8")))


# Facts


async def dossiers(session: Session, ids: Collection[UUID]) -> dict[UUID, Dossier]:
    """Return the dossiers of a batch; their heads are locked already."""
    return {row.id: row for row in await session.scalars(_DOSSIERS, {"ids": list(ids)})}


_DOSSIERS = select(Dossier).where(Dossier.id == any_(bindparam("ids", type_=ARRAY(Uuid))))


async def active_subscriptions(session: Session) -> list[Subscription]:
    """Return all subscriptions that are told: tens, not thousands."""
    return list(await session.scalars(_ACTIVE))


_ACTIVE = select(Subscription).where(Subscription.status == "active")


# One statement and one parameter for a whole batch: row by row this is most of what applying a fact costs.
_ADD = text("""
    INSERT INTO message (
        id, dossier_id, lane, channel, template, template_version, recipient_kind, recipient, subscription_id,
        event_id, event_type, event_time, correlation_id, data, status,
        n_tries, n_failures, n_redeliveries, reason_code)
    SELECT id, dossier_id, lane, channel, template, template_version, recipient_kind, '', subscription_id,
        event_id, event_type, event_time, correlation_id, data, status, 0, 0, 0, ''
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS made (
        id uuid, dossier_id uuid, lane uuid, channel text, template text, template_version int, recipient_kind text,
        subscription_id uuid, event_id uuid, event_type text, event_time timestamptz, correlation_id text, data jsonb,
        status text)
    ON CONFLICT DO NOTHING
""")


async def add_messages(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Add messages in one statement; one that is there already stays as it is."""
    await session.execute(_ADD, {"rows": json.dumps(rows, default=str, ensure_ascii=False)})


_PENDING_EMAIL = (Message.channel == "email", Message.status == Status.PENDING)
_UNSENT_EMAIL = (
    *_PENDING_EMAIL,
    (Message.leased_until.is_(None)) | (Message.leased_until <= func.clock_timestamp()),
)


async def make_moot(session: Session, ids: Collection[UUID], kinds: Collection[Kind]) -> None:
    """Take back unsent e-mails of these kinds about dossiers whose heads are locked."""
    mine = (Message.dossier_id.in_(ids), Message.template.in_(kinds), *_UNSENT_EMAIL)
    await session.execute(update(Message).where(*mine).values(status=Status.MOOT, next_try_at=None))


async def take_back(session: Session, ids: Collection[UUID], kind: Kind) -> None:
    """Take back e-mails of a kind that certainly did not go out; whoever left a lease behind may have sent it."""
    mine = (Message.dossier_id.in_(ids), Message.template == kind, *_PENDING_EMAIL, Message.leased_until.is_(None))
    await session.execute(update(Message).where(*mine).values(status=Status.MOOT, next_try_at=None))


_REPLACED = text("""
    UPDATE message SET status = 'moot', next_try_at = NULL
    FROM unnest(CAST(:dossiers AS uuid[]), CAST(:notices AS text[]), CAST(:instants AS timestamptz[]))
         AS gone(dossier_id, notice_no, since)
    WHERE message.dossier_id = gone.dossier_id AND message.data ->> 'notice_no' = gone.notice_no
      AND message.event_time < gone.since AND message.template = 'payment_requested' AND message.channel = 'email'
      AND message.status = 'pending'
      AND (message.leased_until IS NULL OR message.leased_until <= clock_timestamp())
""")


async def make_moot_notices(session: Session, replaced: Sequence[tuple[UUID, str, datetime]]) -> None:
    """Take back unsent e-mails that ask for a payment by a notice that was replaced later."""
    dossiers, notices, instants = zip(*replaced, strict=True)
    await session.execute(_REPLACED, {"dossiers": dossiers, "notices": notices, "instants": instants})


async def make_moot_corrections(session: Session, ids: Collection[UUID]) -> None:
    """Take back unsent corrections where no word of being late has reached, or may still reach, the applicant."""
    late = (
        select(Message.id)
        .where(
            Message.dossier_id.in_(ids),
            Message.channel == "email",
            Message.template == Kind.LATE,
            Message.status.in_([Status.SENT, Status.PENDING]),
        )
        .with_only_columns(Message.dossier_id)
    )
    mine = (Message.dossier_id.in_(ids), Message.template == Kind.LATE_WITHDRAWN, *_UNSENT_EMAIL)
    moot = update(Message).where(*mine, Message.dossier_id.not_in(late))
    await session.execute(moot.values(status=Status.MOOT, next_try_at=None))


# The first pending message of each lane gets a time, the others wait behind it: so a failing message blocks its
# own dossier and receiver only, and finding what is due costs as much as is due.
_SETTLE = text("""
    UPDATE message SET next_try_at = CASE WHEN ranked.place = 1 THEN clock_timestamp() END
    FROM (SELECT id, row_number() OVER (PARTITION BY lane ORDER BY event_time, id) AS place
          FROM message WHERE lane = ANY(:lanes) AND status = 'pending') AS ranked
    WHERE message.id = ranked.id AND (message.next_try_at IS NULL) = (ranked.place = 1)
""")


async def settle_lanes(session: Session, lanes: Collection[UUID]) -> None:
    """Say which message of each lane is next; the heads of the lanes' dossiers are locked."""
    await session.execute(_SETTLE, {"lanes": sorted(lanes)})


# Sending

_CLAIM = {
    "leased_until": func.clock_timestamp() + LEASE,
    "next_try_at": func.clock_timestamp() + LEASE,
    "n_tries": Message.n_tries + 1,
}


_DUE_EMAILS = (
    select(Message.id)
    .where(Message.status == Status.PENDING, Message.channel == "email")
    .where(Message.next_try_at <= func.clock_timestamp())
    .order_by(Message.next_try_at)
    .limit(bindparam("n", type_=Integer))
    .with_for_update(skip_locked=True)
)
_CLAIM_EMAILS = update(Message).where(Message.id.in_(_DUE_EMAILS)).values(_CLAIM).returning(Message)


async def claim_emails(session: Session, limit: int) -> list[tuple[Message, Dossier]]:
    """Lease due e-mails; a worker that dies gives them back when the lease runs out."""
    messages = list(await session.scalars(_CLAIM_EMAILS, {"n": limit}))
    if not messages:
        return []
    found = await dossiers(session, {message.dossier_id for message in messages})
    return [(message, found[message.dossier_id]) for message in messages]


# A few of each subscription, so that one with a long queue does not keep the others waiting.
_DUE_WEBHOOKS = text("""
    SELECT due.id FROM subscription s CROSS JOIN LATERAL (
        SELECT m.id FROM message m
        WHERE m.subscription_id = s.id AND m.status = 'pending' AND m.channel = 'webhook'
          AND m.next_try_at <= clock_timestamp()
        ORDER BY m.next_try_at LIMIT :each FOR UPDATE SKIP LOCKED
    ) AS due
    WHERE s.status = 'active' AND (s.paused_until IS NULL OR s.paused_until <= clock_timestamp())
""")


async def claim_webhooks(session: Session) -> list[tuple[Message, Subscription]]:
    """Lease due webhooks of subscriptions that do not rest."""
    ids = list(await session.scalars(_DUE_WEBHOOKS, {"each": WEBHOOKS_EACH}))
    if not ids:
        return []
    claimed = update(Message).where(Message.id.in_(ids)).values(_CLAIM).returning(Message)
    messages = list(await session.scalars(claimed))
    rows = select(Subscription).where(Subscription.id.in_({message.subscription_id for message in messages}))
    found = {row.id: row for row in await session.scalars(rows)}
    return [(message, found[message.subscription_id]) for message in messages if message.subscription_id]


async def lock_messages(session: Session, ids: Collection[UUID]) -> tuple[list[Message], datetime]:
    """Lock messages whose dossiers' heads are locked; also say what time it is (real time, the database's)."""
    rows = await session.execute(_LOCK_MESSAGES, {"ids": list(ids)})
    return [row[0] for row in rows], rows[0][1]


_LOCK_MESSAGES = (
    select(Message, func.clock_timestamp())
    .where(Message.id == any_(bindparam("ids", type_=ARRAY(Uuid))))
    .order_by(Message.id)
    .with_for_update(of=Message)
)


async def lock_subscriptions(session: Session, ids: Collection[UUID]) -> dict[UUID, Subscription]:
    """Lock subscriptions, after heads and messages."""
    query = select(Subscription).where(Subscription.id.in_(ids)).order_by(Subscription.id).with_for_update()
    return {row.id: row for row in await session.scalars(query)}


async def wake(session: Session, subscription_id: UUID) -> None:
    """Make what waits for a receiver that answers again due now; what somebody else holds is left as it is."""
    waiting = (
        select(Message.id)
        .where(Message.subscription_id == subscription_id, Message.status == Status.PENDING)
        .where(Message.channel == "webhook", Message.next_try_at > func.clock_timestamp())
        .where((Message.leased_until.is_(None)) | (Message.leased_until <= func.clock_timestamp()))
        .with_for_update(skip_locked=True)
    )
    await session.execute(update(Message).where(Message.id.in_(waiting)).values(next_try_at=func.clock_timestamp()))


async def undeliverable(session: Session, limit: int) -> list[tuple[UUID, UUID]]:
    """Return (dossier, message) of pending webhooks whose subscription has ended."""
    query = (
        select(Message.dossier_id, Message.id)
        .join(Subscription, Subscription.id == Message.subscription_id)
        .where(Subscription.status != "active", Message.status == Status.PENDING, Message.channel == "webhook")
        .limit(limit)
    )
    return [(dossier_id, message_id) for dossier_id, message_id in await session.execute(query)]


# Reading


def visible_to(principal: Principal) -> ColumnElement[bool]:
    """Return the condition under which *principal* may know a dossier: ``domain.may_know`` in SQL."""
    conditions: dict[Scope, ColumnElement[bool]] = {
        Scope.ALL: true(),
        Scope.ONLINE: Dossier.channel == "online",
        Scope.UNIT: Dossier.receiving_unit_code == (principal.agency_code or ""),
        Scope.NONE: false(),
    }
    return conditions[scope_of(principal.roles, principal.agency_code)]


def owned_by(principal: Principal) -> ColumnElement[bool]:
    """Return the condition under which *principal* sees a subscription: its own; ops all."""
    return true() if principal.has(Role.OPS) else Subscription.created_by == principal.subject


async def messages_of(session: Session, dossier_id: UUID, principal: Principal) -> list[Message]:
    """Return the messages about a dossier, oldest fact first; webhooks only those of the caller's subscriptions."""
    known = select(Dossier.id).where(Dossier.id == dossier_id, visible_to(principal))
    if await session.scalar(known) is None:
        raise DossierUnknown(str(dossier_id))
    mine = select(Subscription.id).where(owned_by(principal))
    query = (
        select(Message)
        .where(Message.dossier_id == dossier_id)
        .where(Message.subscription_id.is_(None) | Message.subscription_id.in_(mine))
        .order_by(Message.event_time, Message.id)
    )
    return list(await session.scalars(query))


async def attempts(session: Session, ids: Collection[UUID]) -> dict[UUID, list[Attempt]]:
    """Return the attempts of messages."""
    query = select(Attempt).where(Attempt.message_id.in_(ids)).order_by(Attempt.attempt_no)
    found: dict[UUID, list[Attempt]] = {message_id: [] for message_id in ids}
    for row in await session.scalars(query):
        found[row.message_id].append(row)
    return found


async def get_subscription(session: Session, subscription_id: UUID, principal: Principal) -> Subscription:
    """Return a subscription of the caller's; NotFound also for one that was deleted."""
    query = select(Subscription).where(Subscription.id == subscription_id, owned_by(principal))
    row = await session.scalar(query.where(Subscription.status != "deleted"))
    if row is None:
        raise NotFound(str(subscription_id))
    return row


async def list_subscriptions(
    session: Session, principal: Principal, *, after: UUID | None, limit: int
) -> list[Subscription]:
    """Return a page of the caller's subscriptions, in order of creation."""
    query = select(Subscription).where(owned_by(principal), Subscription.status != "deleted")
    if after is not None:
        query = query.where(Subscription.id > after)
    return list(await session.scalars(query.order_by(Subscription.id).limit(limit)))


async def deliveries(
    session: Session, subscription_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[Message]:
    """Return a page of the messages to a subscription, newest fact first."""
    query = select(Message).where(Message.subscription_id == subscription_id)
    if before is not None:
        query = query.where(tuple_(Message.event_time, Message.id) < before)
    return list(await session.scalars(query.order_by(Message.event_time.desc(), Message.id.desc()).limit(limit)))


async def finished_since(session: Session, subscription_id: UUID, since: datetime, limit: int) -> list[Message]:
    """Return messages to a subscription that were sent or given up, oldest fact first."""
    query = (
        select(Message)
        .where(Message.subscription_id == subscription_id, Message.event_time >= since)
        .where(Message.status.in_([Status.SENT, Status.FAILED]))
        .order_by(Message.event_time, Message.id)
    )
    return list(await session.scalars(query.limit(limit)))


async def get_message(session: Session, message_id: UUID, subscription_id: UUID) -> Message:
    """Return one message to a subscription."""
    query = select(Message).where(Message.id == message_id, Message.subscription_id == subscription_id)
    row = await session.scalar(query)
    if row is None:
        raise NotFound(str(message_id))
    return row
