"""The tables of sla."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, DateTime, Identity, Index, Numeric, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.tables import COLUMN_TYPES, NOW, Json


class Base(DeclarativeBase):
    """Metadata of sla's own tables."""

    type_annotation_map = COLUMN_TYPES | {
        Decimal: Numeric,
        list[datetime]: ARRAY(DateTime(timezone=True)),
        list[list[str | None]]: JSONB,
    }


class Clock(Base):
    """The clock of a dossier: what it runs by, and a cache of what its facts amount to (``domain.evaluate``)."""

    __tablename__ = "clock"
    __table_args__ = (
        # repository.open_on_other_calendar
        Index("clock_open", "calendar_code", "calendar_version", postgresql_where=text("finished_at IS NULL")),
        # repository.apologies
        Index("clock_missed", "dossier_id", postgresql_where=text("cardinality(missed_deadlines) > 0")),
        # repository.due_soon
        Index("clock_due", "announced_deadline_at", "dossier_id", postgresql_where=text("finished_at IS NULL")),
        # repository.register
        Index("clock_register", "started_at", "dossier_id"),
        Index("clock_register_unit", "receiving_unit_code", "started_at", "dossier_id"),
    )

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    """How many facts about the clock itself are known; hand-offs do not move it."""
    status: Mapped[str]
    dossier_code: Mapped[str]
    procedure_code: Mapped[str]
    procedure_version: Mapped[int]
    field_code: Mapped[str]
    channel: Mapped[str]
    """``online``, ``assisted`` (online, filed by an officer for the applicant), ``counter`` or ``post``."""
    receiving_unit_code: Mapped[str]
    limit_amount: Mapped[Decimal]
    limit_unit: Mapped[str]
    calendar_code: Mapped[str]
    calendar_version: Mapped[int]
    started_at: Mapped[datetime]
    first_deadline_at: Mapped[datetime]
    announced_deadline_at: Mapped[datetime]
    """The deadline as it was last announced; while suspended there is none, and this is the one before."""
    deadline_at: Mapped[datetime | None]
    """None while suspended."""
    renewed_deadline_at: Mapped[datetime | None]
    """Later than the deadline by law: promised once with an apology, because the agency is late."""
    holder_agency_code: Mapped[str | None]
    finished_at: Mapped[datetime | None]
    verdict: Mapped[str | None]
    ending: Mapped[str | None]
    """``domain.Ending``, once processing has ended."""
    elapsed_minutes: Mapped[int | None]
    """Working minutes in which the clock ran, once processing has ended."""
    apologies: Mapped[Json]
    """By the deadline that an apology is about (ISO 8601, UTC): whether it was in time."""
    missed_deadlines: Mapped[list[datetime]]
    """Deadlines announced as missed and not withdrawn since."""

    @property
    def promised_deadline_at(self) -> datetime | None:
        """What the applicant is promised: by law, or what an apology promised; None while suspended."""
        return self.renewed_deadline_at or self.deadline_at

    n_supplements: Mapped[int]
    """How often the applicant was asked for a supplement, on reception or in process."""
    overdue: Mapped[list[list[str | None]]]
    """From which local date to which the dossier was overdue (``domain.overdue_spans``); an open span has no end."""


class Fact(Base):
    """One event of the timeline as a clock understands it; the set of them is the history, whatever their arrival."""

    __tablename__ = "fact"
    __table_args__ = (
        # repository.apologies
        Index("fact_apology", "at", postgresql_where=text("kind = 'apologised'")),
    )

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    kind: Mapped[str]
    no: Mapped[int | None]
    """The leg's or the suspension's number."""
    data: Mapped[Json]


class Suspension(Base):
    """A lawful suspension as it was announced."""

    __tablename__ = "suspension"
    __table_args__ = (
        # repository.suspensions
        Index("suspension_from", "from_at"),
        Index("suspension_open", "agency_code", postgresql_where=text("to_at IS NULL")),
    )

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ground: Mapped[str]
    citation: Mapped[str]
    from_at: Mapped[datetime]
    to_at: Mapped[datetime | None]
    agency_code: Mapped[str]
    """Who opened it: the agency of the officer or of the leg, for a supplement the receiving unit."""
    minutes: Mapped[int | None]
    """Working minutes, once it has ended."""


class LegClock(Base):
    """One stretch of a dossier in one agency's (or the applicant's) hands, and until when it is to be done."""

    __tablename__ = "leg_clock"
    __table_args__ = (
        # repository.visible_to
        Index("leg_clock_agency", "agency_code", "dossier_id"),
        # repository.legs_ended
        Index("leg_clock_ended", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
    )

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    leg_no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    step_code: Mapped[str]
    agency_code: Mapped[str | None]
    """None: the applicant's."""
    excluded_ground: Mapped[str | None]
    limit_minutes: Mapped[int | None]
    first_due_at: Mapped[datetime | None]
    """As it was offered."""
    calendar_version: Mapped[int | None]
    """What *first_due_at* was worked out with; None: not said, nothing moves it."""
    due_at: Mapped[datetime | None]
    """By the clock's calendar, moved by the working minutes in which the dossier's clock stood meanwhile."""
    told_due_at: Mapped[datetime | None]
    """What workflow knows."""
    offered_at: Mapped[datetime]
    counted_from: Mapped[datetime]
    """Since when its limit runs: its offer, or that of the leg whose stretch an agency took over."""
    acknowledged_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    minutes: Mapped[int | None]
    """Working minutes from offer to end, without those in which the dossier's clock stood."""
    officer: Mapped[str | None]
    """The account of who has it in hand, or had it last."""
    status: Mapped[str]


class Timer(Base):
    """What is to happen to a dossier at *due_at*; None: nothing (suspended, finished, or done already)."""

    __tablename__ = "timer"
    __table_args__ = (
        # repository.due_timers
        Index("timer_due", "due_at", "dossier_id", "kind", postgresql_where=text("due_at IS NOT NULL")),
    )

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    """``near_breach``, ``breach``, ``renewed_breach`` (of what an apology promised), ``forgotten`` (a suspension)."""
    due_at: Mapped[datetime | None]
    deadline_at: Mapped[datetime | None]
    """The deadline it is about; of a suspension, the instant until which it may last unasked."""
    no: Mapped[int | None]
    """The suspension it is about."""
    revision: Mapped[int]
    """The clock's version it was set by."""
    fired_at: Mapped[datetime | None]


class Recalculation(Base):
    """A new version of a calendar, brought to every open clock that runs by an older one; or only tried out."""

    __tablename__ = "recalculation"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    calendar_code: Mapped[str]
    calendar_version: Mapped[int]
    is_dry_run: Mapped[bool]
    data: Mapped[Json]
    """The calendar; it is reference data only if this was no dry run."""
    asked_by: Mapped[str]
    asked_at: Mapped[datetime]
    after_id: Mapped[UUID]
    """The last dossier that was looked at: the next page begins behind it, also after a restart."""
    n_open: Mapped[int]
    """Open clocks looked at so far."""
    n_moved: Mapped[int]
    finished_at: Mapped[datetime | None]


class Recalculated(Base):
    """A promised deadline that a new version of a calendar moves, or would move; to where it is: does not reach."""

    __tablename__ = "recalculated"

    recalculation_id: Mapped[UUID] = mapped_column(primary_key=True)
    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    from_at: Mapped[datetime]
    to_at: Mapped[datetime]


class RefusedSuspension(Base):
    """An attempt to suspend without a lawful ground: what the inspection of 2022 found, counted by agency."""

    __tablename__ = "refused_suspension"
    __table_args__ = (
        # reports of refused attempts by agency and period
        Index("refused_suspension_agency", "agency_code", "refused_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    agency_code: Mapped[str]
    dossier_id: Mapped[UUID]
    ground: Mapped[str | None]
    reason: Mapped[str]
    subject: Mapped[str]
    refused_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(server_default=NOW)


class JournalEntry(Base):
    """How many dossiers a fact adds to a figure or takes from it: the source of every report; only ever added to."""

    __tablename__ = "entry"
    __table_args__ = (
        # repository.fold
        Index("entry_unfolded", "id", postgresql_where=text("NOT is_folded")),
        # repository.forget_entries
        Index("entry_dossier", "dossier_id"),
        # repository.sums, days of months that are not whole
        Index("entry_day", "counts_on"),
        # repository.sums, what became known after its month, as of a day in the middle of one
        Index("entry_late", "known_on", postgresql_where=text("known_on > counts_on")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    dossier_id: Mapped[UUID]
    counts_on: Mapped[date]
    """The local date that it counts for."""
    known_on: Mapped[date]
    """The local date on which it became known here, never before *counts_on*."""
    measure: Mapped[str]
    verdict: Mapped[str]
    ending: Mapped[str]
    judged_by: Mapped[str]
    unit_code: Mapped[str]
    field_code: Mapped[str]
    procedure_code: Mapped[str]
    channel: Mapped[str]
    n: Mapped[int]
    is_folded: Mapped[bool] = mapped_column(server_default=text("false"))
    """It is in ``tally``."""


class Tally(Base):
    """The sums of folded entries by month: of each unit (*level* ``unit``), each field, and both (``unit_field``).

    *measure* is also ``pending``, received less resolved: what a period begins with needs no more than that of the
    months before it. What does not matter to a measure is empty, so that there are few rows.
    """

    __tablename__ = "tally"

    level: Mapped[str] = mapped_column(primary_key=True)
    unit_code: Mapped[str] = mapped_column(primary_key=True)
    field_code: Mapped[str] = mapped_column(primary_key=True)
    measure: Mapped[str] = mapped_column(primary_key=True)
    counts_in: Mapped[date] = mapped_column(primary_key=True)
    """First day of the month that it counts for."""
    known_in: Mapped[date] = mapped_column(primary_key=True)
    """First day of the month in which it became known."""
    verdict: Mapped[str] = mapped_column(primary_key=True)
    ending: Mapped[str] = mapped_column(primary_key=True)
    judged_by: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    is_saturday: Mapped[bool] = mapped_column(primary_key=True)
    n: Mapped[int]


class Holding(Base):
    """How long an agency held a dossier whose processing has ended; the sum over its agencies is the dossier's."""

    __tablename__ = "holding"
    __table_args__ = (
        # repository.minutes_held
        Index("holding_finished", "finished_on"),
    )

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    agency_code: Mapped[str] = mapped_column(primary_key=True)
    """Empty: the applicant's, or nobody's."""
    unit_code: Mapped[str]
    """Where the dossier was received."""
    finished_on: Mapped[date]
    minutes: Mapped[int]
    """Working minutes while the clock ran."""
    suspended_minutes: Mapped[int]
    late_minutes: Mapped[int]
    """Those of *minutes* that came after the deadline."""


class EnteredCount(Base):
    """What a person counted for a part of a scorecard, with the document; only ever added to, the newest one counts."""

    __tablename__ = "entered_count"
    __table_args__ = (
        # repository.entered, repository.entered_beside
        Index("entered_count_of", "scorecard_code", "from_on", "to_on"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    scorecard_code: Mapped[str]
    part_code: Mapped[str]
    agency_code: Mapped[str]
    officer: Mapped[str]
    """Empty: the agency as a whole."""
    from_on: Mapped[date]
    to_on: Mapped[date]
    counts: Mapped[Json]
    """How many there were of each outcome."""
    document_no: Mapped[str]
    entered_by: Mapped[str]
    entered_at: Mapped[datetime]
