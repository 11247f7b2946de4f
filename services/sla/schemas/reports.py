"""What reports are asked for, and what they answer."""

from datetime import date
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from services.sla.domain.report06 import Grouping
from services.sla.schemas.days import KnownDay
from shared.web import Body, CodeText, LocalInstant, Read


class Format(StrEnum):
    """As what a report is answered."""

    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


class PeriodAsk(Body):
    """A period of local dates, both inside; *agency*: only the dossiers that this unit received."""

    model_config = ConfigDict(extra="ignore")

    from_on: KnownDay = Field(alias="from")
    to_on: KnownDay = Field(alias="to")
    agency: CodeText | None = None


class ShareAsk(PeriodAsk):
    """Which figures of form 06; *known_until*: by what was known at the end of that date, as a print of then."""

    by: Grouping = Grouping.AGENCY
    known_until: KnownDay | None = None
    format: Format = Format.JSON


class Report06Ask(ShareAsk):
    """Which form 06, and how it judges."""

    judged_by: Literal["standing", "renewed"] = "standing"
    """The deadline by law, or the one that was promised with an apology where there is one."""
    count_unfinished_as_on_time: bool = False
    """Withdrawn, stopped and not granted: on time, whenever they ended."""


class RegisterAsk(PeriodAsk):
    """A page of the register; as a file it comes whole."""

    limit: int = Field(default=50, ge=1, le=200)
    after: str | None = Field(default=None, max_length=200)
    format: Format = Format.JSON


class FiguresRead(Read):
    """The columns (3) to (13) of form 06, their shares in percent, and what the form does not print."""

    received: int
    online: int
    counter_post: int
    carried_over: int
    resolved: int
    early: int
    on_time: int
    late: int
    pending: int
    in_time: int
    overdue: int
    early_percent: float | None
    on_time_percent: float | None
    late_percent: float | None
    online_percent: float | None
    assisted: int
    """Of *online*: filed by an officer for the applicant."""
    saturday_received: int
    saturday_resolved: int
    not_granted: int
    withdrawn: int
    stopped: int
    """Of *resolved*, however they are judged: a reasoned refusal, the applicant's wish, form 05."""


class Row06Read(Read):
    """One agency or field under the name it had in the period."""

    code: str
    label: str
    section: str
    figures: FiguresRead


class Correction06Read(Read):
    """A row of which something else is known by now than at the time of the print."""

    code: str
    label: str
    as_printed: FiguresRead
    as_known_now: FiguresRead


class CompletenessRead(Read):
    """What the figures may lack at this moment."""

    n_held: int
    """Dossiers that wait for an event of another service."""
    n_parked: int
    """Dossiers that stand still until a person has looked."""
    oldest_at: LocalInstant | None
    provisional_from: date | None
    """From this day on the holidays of the period are not decided yet."""


class Report06Read(Read):
    """Form 06/VPCP/KSTT; the same question with the same *known_until* has the same answer for ever."""

    place_name: str
    from_on: date
    to_on: date
    by: Grouping
    known_until: LocalInstant
    rows: list[Row06Read]
    total: FiguresRead
    corrections: list[Correction06Read]
    completeness: CompletenessRead
    notes: list[str]


class OnlineFigures(Read):
    """By which way the dossiers received in a period came in; *self_filed* and *assisted* are *online*."""

    received: int
    online: int
    self_filed: int
    assisted: int
    """Filed by an officer for the applicant."""
    counter_post: int
    online_percent: float | None
    self_filed_percent: float | None


class OnlineRow(Read):
    """One agency or field."""

    code: str
    label: str
    figures: OnlineFigures


class SaturdayFigures(Read):
    """What of a period was received, and what was resolved, on Saturdays."""

    received: int
    received_on_saturday: int
    resolved: int
    resolved_on_saturday: int
    received_percent: float | None
    resolved_percent: float | None


class SaturdayRow(Read):
    """One agency or field."""

    code: str
    label: str
    figures: SaturdayFigures


class SharesRead(Read):
    """What reports about a share of form 06's figures say of themselves."""

    place_name: str
    from_on: date
    to_on: date
    by: Grouping
    known_until: LocalInstant
    corrected: list[str]
    """Codes of the rows of which something else is known by now."""
    completeness: CompletenessRead


class OnlineRead(SharesRead):
    """Online filing, assisted filing apart."""

    rows: list[OnlineRow]
    total: OnlineFigures


class SaturdayRead(SharesRead):
    """Saturdays."""

    rows: list[SaturdayRow]
    total: SaturdayFigures


class AttributedRead(Read):
    """One agency: what became of its legs, and how long it held the dossiers that ended; "" is the applicant."""

    agency_code: str
    name: str
    completed: int
    early: int
    on_time: int
    late: int
    returned: int
    refused: int
    median_minutes: float | None
    p90_minutes: float | None
    n_dossiers: int
    n_late: int
    """Dossiers that it held after their deadline."""
    minutes: int
    suspended_minutes: int
    late_minutes: int
    late_share: float | None
    """Its part of all minutes after the deadline, in percent."""


class AttributionRead(Read):
    """Who held dossiers how long, and who when it was too late; minutes are working minutes."""

    from_on: date
    to_on: date
    items: list[AttributedRead]
    minutes: int
    late_minutes: int


class SuspendedRead(Read):
    """The lawful suspensions of one agency on one ground."""

    agency_code: str
    name: str
    ground: str
    ground_name: str
    opened: int
    open: int
    minutes: int


class RefusedRead(Read):
    """Attempts of one agency to suspend without a lawful ground: by reason, and in all."""

    agency_code: str
    name: str
    reasons: dict[str, int]
    n: int


class SuspensionsRead(Read):
    """Lawful suspensions by agency and ground, and what was refused by agency and reason."""

    from_on: date
    to_on: date
    items: list[SuspendedRead]
    refused: list[RefusedRead]
    n_opened: int
    n_open: int
    n_refused: int


class ApologizedRead(Read):
    """The apologies of one agency; *owed*: missed deadlines of the period that nobody has apologised for."""

    agency_code: str
    name: str
    in_time: int
    late: int
    re_appointed: int
    owed: int
    compliance_percent: float | None
    """Apologies in time, of all that were issued or are owed."""


class ApologiesRead(Read):
    """Apologies by agency: issued in time, late, or still owed."""

    from_on: date
    to_on: date
    items: list[ApologizedRead]
    n_in_time: int
    n_late: int
    n_owed: int


class RegisterRowRead(Read):
    """One dossier of the register; it names nobody."""

    dossier_id: UUID
    dossier_code: str
    procedure_name: str
    receiving_unit: str
    channel: str
    received_at: LocalInstant
    due_at: LocalInstant
    ended_at: LocalInstant | None
    status: str
    verdict: str | None
    holder_name: str


class RegisterPage(Read):
    """The register, in the order of reception."""

    items: list[RegisterRowRead]
    next: str | None


FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {
                "schema": {"type": "string", "format": "binary"}
            },
        }
    }
}
"""What OpenAPI says of a report that is also answered as a file."""
