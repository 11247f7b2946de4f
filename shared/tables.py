"""The tables of the spine, the same in every service's database."""

from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Index, Integer, LargeBinary, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.timeline import SOURCES, Entry

INSTANT = DateTime(timezone=True)
NOW = text("clock_timestamp()")
Json = dict[str, Any]
COLUMN_TYPES: dict[Any, Any] = {
    datetime: INSTANT,
    str: Text,
    bytes: LargeBinary,
    Json: JSONB,
    list[Json]: JSONB,
    list[str]: JSONB,
}
"""How annotations become columns, in the spine and in every service's own tables."""


class SpineBase(DeclarativeBase):
    """Metadata of the spine; a service's own tables have a base of their own."""

    type_annotation_map = COLUMN_TYPES


class HeadRow(SpineBase):
    """The head of one dossier; its lock orders everything this service does to the dossier."""

    __tablename__ = "head"
    __table_args__ = (
        # ops.convergence
        Index("head_frozen", "frozen_at", postgresql_where=text("frozen_at IS NOT NULL")),
    )

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    time: Mapped[datetime | None]
    intake_seq: Mapped[int] = mapped_column(default=0, server_default="0")
    intake_chain: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    workflow_seq: Mapped[int] = mapped_column(default=0, server_default="0")
    workflow_chain: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    sla_seq: Mapped[int] = mapped_column(default=0, server_default="0")
    sla_chain: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    notify_seq: Mapped[int] = mapped_column(default=0, server_default="0")
    notify_chain: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    frozen_at: Mapped[datetime | None]
    """Somebody applied another history of this service than its ledger has: nothing more is said of the dossier."""

    def entry(self, source: str) -> Entry:
        """Return where the history of *source* stands."""
        return Entry._make(_ENTRIES[source](self))

    def step(self, source: str, entry: Entry, time: datetime) -> None:
        """Move the history of *source* to *entry*."""
        setattr(self, f"{source}_seq", entry.seq)
        setattr(self, f"{source}_chain", entry.chain)
        self.time = time if self.time is None else max(self.time, time)


_ENTRIES = {source: attrgetter(f"{source}_seq", f"{source}_chain") for source in SOURCES}


class EventRow(SpineBase):
    """The ledger: every event this service published, for ever; partitioned by month of submission."""

    __tablename__ = "event"
    __table_args__ = (
        # relay.unpublished
        Index("event_unpublished", "shard", "time", postgresql_where=text("published_at IS NULL")),
        # audit.heads_since
        Index("event_recorded", "recorded_at"),
        {"postgresql_partition_by": "RANGE (dossier_id)"},
    )

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    id: Mapped[UUID]
    type: Mapped[str]
    time: Mapped[datetime]
    after: Mapped[str]
    chain: Mapped[int] = mapped_column(BigInteger)
    data: Mapped[bytes]
    correlation_id: Mapped[str]
    traceparent: Mapped[str]
    shard: Mapped[int] = mapped_column(SmallInteger)
    recorded_at: Mapped[datetime] = mapped_column(server_default=NOW)
    published_at: Mapped[datetime | None]


class Hold(SpineBase):
    """An event up to *wanted_seq* of *source* that has to be read from its source's ledger; bodies are not kept."""

    __tablename__ = "hold"
    __table_args__ = (Index("hold_due", "next_try_at"),)

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    wanted_seq: Mapped[int]
    since: Mapped[datetime] = mapped_column(server_default=NOW)
    next_try_at: Mapped[datetime] = mapped_column(server_default=NOW)
    n_tries: Mapped[int] = mapped_column(default=0, server_default="0")


class Parked(SpineBase):
    """A dossier whose next event could not be applied; it stands still, all others flow."""

    __tablename__ = "parked"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    dossier_id: Mapped[UUID] = mapped_column(unique=True)
    source: Mapped[str]
    seq: Mapped[int]
    type: Mapped[str]
    reason: Mapped[str]
    """``poison``, ``fork`` or ``ahead``."""
    error: Mapped[str]
    n_tries: Mapped[int]
    is_retrying: Mapped[bool] = mapped_column(default=False, server_default="false")
    """It is being tried again: its events flow until one fails again."""
    since: Mapped[datetime] = mapped_column(server_default=NOW)
    last_tried_at: Mapped[datetime] = mapped_column(server_default=NOW)


class RelayShard(SpineBase):
    """Who may relay a shard until when; *fence* grows with every change of owner."""

    __tablename__ = "relay_shard"

    shard: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    owner: Mapped[UUID | None]
    fence: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    expires_at: Mapped[datetime | None]


class RelayOwner(SpineBase):
    """A relay that is alive: shards are shared by those seen lately, also by one that has none yet."""

    __tablename__ = "relay_owner"

    owner: Mapped[UUID] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(server_default=NOW)


class ReferenceRow(SpineBase):
    """One immutable version of reference data: owned here, or a replica of another service's."""

    __tablename__ = "reference"
    __table_args__ = (
        # reference.publish_owned
        Index("reference_unpublished", "kind", postgresql_where=text("owned AND published_at IS NULL")),
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    data: Mapped[dict[str, Any]]
    owned: Mapped[bool]
    recorded_at: Mapped[datetime] = mapped_column(server_default=NOW)
    published_at: Mapped[datetime | None]


class IdempotencyKey(SpineBase):
    """The first answer to a request that carried an Idempotency-Key, byte for byte."""

    __tablename__ = "idempotency_key"
    __table_args__ = (Index("idempotency_key_recorded", "recorded_at"),)

    key_hash: Mapped[bytes] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes]
    status: Mapped[int] = mapped_column(SmallInteger)
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes]
    recorded_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Restoration(SpineBase):
    """That this service was restored from a backup, and whether it has recovered."""

    __tablename__ = "restoration"

    service: Mapped[str] = mapped_column(primary_key=True)
    restored_since: Mapped[datetime] = mapped_column(server_default=NOW)
    missing: Mapped[list[Json]] = mapped_column(server_default="[]")
    """The first events that others know and its ledger lacks."""
    recovered_until: Mapped[datetime | None]
    """The business instant at which it had recovered: what happened before may have been told outside before."""


class Sweep(SpineBase):
    """The last sweep of each kind against each peer."""

    __tablename__ = "sweep"

    peer: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    covers_until: Mapped[datetime | None]
    """Everything its source recorded before this instant (the source's own clock) was compared."""
    business_until: Mapped[datetime | None]
    """The same as an instant of the business clock."""
    n_compared: Mapped[int] = mapped_column(default=0, server_default="0")
    n_behind: Mapped[int] = mapped_column(default=0, server_default="0")
    found: Mapped[list[Json]] = mapped_column(server_default="[]")
    """The first differences a full sweep found: dossier, why, where both sides stood."""
    error: Mapped[str | None]
