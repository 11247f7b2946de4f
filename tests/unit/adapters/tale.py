"""Deliveries as workflow makes them: facts played through the real picture, told to one system after another."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4, uuid5

from services.workflow.adapters.port import Told
from services.workflow.domain.picture import Picture, born, fold
from services.workflow.domain.systems import OutsideSystem, payload_of
from shared.events import Fact, intake, sla, workflow

PROVINCE = Path(__file__).parents[3] / "deploy/province"
START = datetime(2026, 10, 5, 1, tzinfo=UTC)
CODE = "H99.01-261005-0001"
PEOPLE: dict[str, Any] = {
    "kind": "citizen", "full_name": "Nguyễn Thị Thử Nghiệm", "identity_number": "099999999999",
    "phone": "0900000123", "email": "thu@example.vn", "address": "Số 1 đường Thử, phường Mẫu An",
}  # fmt: skip
COMMON: dict[str, Any] = {
    "procedure": "DD.01@3", "field_code": "dat-dai", "channel": "online", "receiving_unit_code": "H99.01",
    "applicant_kind": "citizen", "result_delivery": "post",
    "attributes": {"transfer_kind": "gift", "parcel_no": "1", "map_sheet_no": "2", "area_m2": 100.5},
}  # fmt: skip
TAX = "H99.THUE.01"


def system(code: str) -> OutsideSystem:
    """Return an outside system as the sample province has it."""
    data = json.loads((PROVINCE / "systems" / f"{code}.json").read_text())
    return OutsideSystem.model_validate(data)


def submitted(**more: Any) -> intake.DossierSubmitted:
    """Return the birth of a dossier."""
    return intake.DossierSubmitted(applicant_version=1, **(COMMON | more))


def accepted(**more: Any) -> intake.DossierAccepted:
    """Return the reception."""
    limit = {"amount": 8, "unit": "working_days"}
    given = {"code": CODE, "calendar": "VN@1", "limit": limit, "appointment_at": START + timedelta(days=12)}
    return intake.DossierAccepted(**(given | COMMON | more))


OFFERED = workflow.LegOffered(
    leg_no=3, step_code="tax", task="Xác định nghĩa vụ tài chính", agency_code=TAX, due_at=START + timedelta(days=5)
)
ASKED = intake.SupplementRequested(request_no=1, stage="processing", ground="supplement", component_codes=["GCN"])
BROUGHT = intake.SupplementReceived(request_no=1)
TO_PAY = intake.PaymentRequested(notice_no="TB-1", kind="tax", amount=25_000_000)
PAID = intake.PaymentRecorded(notice_no="TB-1", amount=25_000_000, paid_at=START + timedelta(days=4), method="bank")
MOVED = sla.DeadlineMoved(
    from_at=START + timedelta(days=12), to_at=START + timedelta(days=17), reason="excluded", citation="61/2018/NĐ-CP"
)
SAMPLES: dict[str, Fact] = {
    type(fact).__name__: fact
    for fact in (
        submitted(), accepted(), intake.DossierRefused(reason_code="OUT_OF_SCOPE"), ASKED, BROUGHT, TO_PAY, PAID,
        intake.ApplicantChanged(applicant_version=2), intake.DossierWithdrawn(reason_code="APPLICANT"),
        intake.DossierStopped(reason_code="NO_ANSWER"), intake.ResultPosted(carrier_code="VNPOST"),
        intake.ResultReturned(delivery="post"), intake.DossierReopened(reason_code="WRONG_NAME"), OFFERED,
        workflow.LegAcknowledged(leg_no=3), workflow.LegCompleted(leg_no=3, outcome="notice_issued"),
        workflow.LegReturned(leg_no=3, to_step_code="appraisal", reason_code="INCOMPLETE"),
        workflow.LegCancelled(leg_no=3, reason_code="withdrawn"), workflow.RouteCompleted(outcome="granted"), MOVED,
        sla.ClockSuspended(suspension_no=1, ground="tax_determination", citation="118/2025/NĐ-CP"),
        sla.ClockResumed(suspension_no=1, ground="tax_determination", excluded_minutes=60, restarts=False),
    )
}  # fmt: skip
"""One of every fact that some outside system is told."""


@dataclass
class Tale:
    """One dossier in the lane of one system; every fact comes a minute after the one before."""

    system: str
    agency_code: str | None = None
    """Who holds the legs that facts are about."""
    dossier_id: UUID = field(default_factory=uuid4)
    people: Mapping[str, Any] = field(default_factory=lambda: dict(PEOPLE))
    n_looks: int = 0
    picture: Picture | None = None
    n_facts: int = 0
    no: int = 0

    def tell(self, fact: Fact) -> Told | None:
        """Let *fact* happen; return its delivery, None if the system is not told of it."""
        self.n_facts += 1
        at = START + timedelta(minutes=self.n_facts)
        if isinstance(fact, intake.DossierSubmitted):
            self.picture = born(fact, at)
        else:
            assert self.picture is not None
            self.picture = fold(self.picture, fact, at)
        if not system(self.system).is_told(fact, self.agency_code):
            return None
        self.no += 1
        payload = payload_of(fact, at.isoformat(), self.picture.model_dump(mode="json"))
        return self._told(json.loads(json.dumps(payload)), at)

    def all(self, *facts: Fact) -> list[Told]:
        """Let *facts* happen and return their deliveries."""
        return [told for told in map(self.tell, facts) if told is not None]

    def last(self, *facts: Fact) -> Told:
        """Let *facts* happen and return the delivery of the last."""
        return self.all(*facts)[-1]

    def _told(self, payload: dict[str, Any], at: datetime) -> Told:
        async def people() -> Mapping[str, Any]:
            self.n_looks += 1
            return {"applicant": self.people}

        delivery_id = str(uuid5(self.dossier_id, f"{self.system} {self.no}"))
        return Told(
            delivery_id, str(self.dossier_id), self.no, payload["fact"], at, payload["data"], payload["dossier"],
            people, is_first=self.no == 1,
        )  # fmt: skip


def with_status(told: Told, status: str) -> Told:
    """Return the same delivery of a dossier that stands elsewhere."""
    return replace(told, dossier=told.dossier | {"status": status})


def land_transfer() -> list[Fact]:
    """Return the life of a land transfer, in the order in which workflow learns of it."""
    leg: Callable[..., Fact] = workflow.LegAcknowledged
    done: Callable[..., Fact] = workflow.LegCompleted
    offer: Callable[..., Fact] = workflow.LegOffered
    stretch = workflow.Stretch(step_code="reception", task="Kiểm tra, số hóa và chuyển hồ sơ", agency_code="H99.01")
    return [
        submitted(), accepted(), done(leg_no=1, outcome="forwarded", automatic=stretch),
        offer(leg_no=2, step_code="appraisal", task="Thẩm định hồ sơ", agency_code="H99.VPDK"), leg(leg_no=2),
        ASKED, SAMPLES["ClockSuspended"], BROUGHT, SAMPLES["ClockResumed"], done(leg_no=2, outcome="slip_sent"),
        OFFERED, leg(leg_no=3), done(leg_no=3, outcome="notice_issued"), TO_PAY,
        offer(leg_no=4, step_code="payment", task="Nộp thuế, lệ phí trước bạ", holder="applicant"), PAID,
        done(leg_no=4, outcome="paid"), MOVED,
        offer(leg_no=5, step_code="registration", task="Đăng ký biến động", agency_code="H99.VPDK"), leg(leg_no=5),
        intake.ApplicantChanged(applicant_version=2), done(leg_no=5, outcome="signed"),
        workflow.RouteCompleted(outcome="granted"), intake.ResultPosted(carrier_code="VNPOST"),
        intake.ResultReturned(delivery="post"),
    ]  # fmt: skip
