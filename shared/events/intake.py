"""Facts that intake publishes: the birth of a dossier, what the applicant and the one-stop unit did, its end."""

from datetime import date
from typing import Any, ClassVar, Literal

from pydantic import Field

from shared.events.base import Code, Fact, Instant, Limit, Reference

Channel = Literal["online", "counter", "post"]
ApplicantKind = Literal["citizen", "household", "business", "agency", "other"]
Delivery = Literal["counter", "post", "electronic"]
Stage = Literal["reception", "processing"]


class IntakeFact(Fact):
    """A fact whose source is intake."""

    source: ClassVar[str] = "intake"


class DossierSubmitted(IntakeFact):
    """A dossier was handed in; only this fact gives birth to a dossier."""

    procedure: Reference
    field_code: Code
    channel: Channel
    assisted: bool = False
    receiving_unit_code: Code
    applicant_kind: ApplicantKind
    applicant_version: int
    result_delivery: Delivery
    attributes: dict[str, Any] = Field(default_factory=dict)
    """Only those attributes that the procedure declares as not personal."""
    filed_by: str | None = None
    """The account of the system that handed it in (a portal, an adapter); null: a person did."""


class DossierAccepted(IntakeFact):
    """The one-stop unit accepted: official code issued, appointment promised (form 01)."""

    code: Code
    procedure: Reference
    field_code: Code
    calendar: Reference
    receiving_unit_code: Code
    channel: Channel
    assisted: bool | None = None
    """An officer filed it online for the applicant; null in facts from before this was said."""
    applicant_kind: ApplicantKind
    result_delivery: Delivery
    limit: Limit
    appointment_at: Instant
    attributes: dict[str, Any] = Field(default_factory=dict)


class DossierRefused(IntakeFact):
    """The one-stop unit did not accept (form 03)."""

    reason_code: Code


class SupplementRequested(IntakeFact):
    """The applicant was asked for what is missing (form 02); the limit restarts once that is complete."""

    request_no: int
    stage: Stage
    ground: Code
    component_codes: list[Code]
    respond_by: date | None = None


class SupplementReceived(IntakeFact):
    """What was missing came in; complete again."""

    request_no: int


class PaymentRequested(IntakeFact):
    """The applicant was told what to pay, for a tax notice or a fee."""

    notice_no: Code
    kind: Literal["tax", "fee"]
    amount: int
    due_on: date | None = None
    replaces: list[Code] = Field(default_factory=list)
    """Notices that are void from now on: they belong to an earlier tax determination and are not to be paid."""


class PaymentRecorded(IntakeFact):
    """Proof that one notice was paid in full is on record; *paid_at* is when it happened outside.

    Said again when the tax branch issues a notice anew that is paid already: nothing more is due on it.
    """

    notice_no: Code
    amount: int
    paid_at: Instant
    method: Code
    kind: Literal["tax", "fee"] | None = None
    outstanding: int = 0
    """How many requested notices are still unpaid after this one; void ones do not count."""


class ApplicantChanged(IntakeFact):
    """A new version of the applicant's particulars exists; the particulars stay in intake."""

    applicant_version: int


class DossierWithdrawn(IntakeFact):
    """The applicant withdrew."""

    reason_code: Code


class DossierStopped(IntakeFact):
    """Ended without a result (form 05)."""

    reason_code: Code


class ResultPosted(IntakeFact):
    """The result was given to the post for the applicant."""

    carrier_code: Code


class ResultReturned(IntakeFact):
    """The applicant holds the result: the dossier ends."""

    delivery: Delivery


class DossierReopened(IntakeFact):
    """A result was found wrong: the dossier is processed again."""

    reason_code: Code
