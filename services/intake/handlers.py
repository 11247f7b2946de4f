"""The use cases of intake: lock, decide, write, publish; one function each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from jsonschema import Draft202012Validator
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake import repository
from services.intake.domain import (
    NOTICE_ISSUED,
    RESOLVED,
    STARTED,
    Action,
    Status,
    dossier_code,
    next_status,
)
from services.intake.models import (
    Applicant,
    ApplicantLook,
    Decision,
    Dossier,
    PaymentNotice,
    SupplementRequest,
)
from services.intake.schemas import (
    DossierCreate,
    PaymentAsk,
    PaymentProof,
    PostedResult,
    Reason,
    ReturnedResult,
    SubmittedComponent,
    SupplementAsk,
    SupplementGiven,
)
from shared import worktime
from shared.auth import Principal, Role
from shared.errors import AlreadyDone, Malformed, NotFound, Text
from shared.events.base import Limit
from shared.events.intake import (
    DossierAccepted,
    DossierRefused,
    DossierReopened,
    DossierStopped,
    DossierSubmitted,
    DossierWithdrawn,
    PaymentRecorded,
    PaymentRequested,
    ResultPosted,
    ResultReturned,
    SupplementReceived,
    SupplementRequested,
)
from shared.events.reference import Agency, Procedure
from shared.outbox import birth, new_dossier_id, next_instant, now, publish
from shared.reference import References
from shared.tables import HeadRow
from shared.web import require_version


def _references(session: AsyncSession) -> References:
    references: References = session.info["references"]
    return references


# Submission


async def submit_dossier(session: AsyncSession, given: DossierCreate, by: Principal) -> Dossier:
    """Give birth to a dossier; Malformed lists every field that the procedure does not take."""
    at = now(session)
    version, procedure, unit = _resolve(session, given)
    _check(procedure, unit, given)
    public = {name: value for name, value in given.attributes.items() if name in procedure.public_attributes}
    dossier = Dossier(
        id=new_dossier_id(at),
        version=1,
        status=Status.SUBMITTED,
        procedure_code=procedure.code,
        procedure_version=version,
        field_code=procedure.field_code,
        channel=given.channel,
        is_assisted=given.channel == "online" and by.has(Role.OFFICER),
        submitted_by=by.subject,
        receiving_unit_code=given.receiving_unit_code,
        applicant_kind=given.applicant.kind,
        applicant_version=1,
        result_delivery=given.result_delivery,
        attributes=public,
        components=[component.model_dump() for component in given.components],
        submitted_at=at,
        n_supplements=0,
    )
    head = birth(session, dossier.id)
    session.add_all([dossier, _people(dossier, given, public)])
    publish(session, head, _submitted(dossier))
    return dossier


def _resolve(session: AsyncSession, given: DossierCreate) -> tuple[int, Procedure, Agency]:
    """Find the procedure and the receiving unit as they are in force; Malformed names each that is not."""
    errors: list[dict[str, str]] = []
    found: list[tuple[int, Any]] = []
    on = worktime.local_date(now(session))
    for kind, code, pointer in (
        ("procedure", given.procedure_code, "/procedure_code"),
        ("agency", given.receiving_unit_code, "/receiving_unit_code"),
    ):
        try:
            found.append(_references(session).in_force(kind, code, on))
        except NotFound:
            errors.append(_error(pointer, f"unknown_{kind}", "Mã không có trong danh mục đang hiệu lực"))
    if errors:
        raise Malformed(extra={"errors": errors})
    (version, procedure), (_, unit) = found
    return version, procedure, unit


def _error(pointer: str, code: str, detail: str) -> dict[str, str]:
    return {"pointer": pointer, "code": code, "detail": detail}


def _check(procedure: Procedure, unit: Agency, given: DossierCreate) -> None:
    errors = (
        []
        if unit.dossier_code_prefix
        else [_error("/receiving_unit_code", "not_a_receiving_unit", "Đơn vị không tiếp nhận hồ sơ")]
    )
    known = {component.code for component in procedure.components}
    present = {component.code for component in given.components if component.n_originals + component.n_copies}
    for at, component in enumerate(given.components):
        if component.code not in known:
            errors.append(_error(f"/components/{at}/code", "unknown_component", "Giấy tờ không thuộc thủ tục"))
    errors += [
        _error("/components", "missing_component", f"Thiếu giấy tờ: {component.name}")
        for component in procedure.components
        if component.is_required and component.code not in present
    ]
    validator = Draft202012Validator(procedure.attributes_schema)
    for wrong in validator.iter_errors(given.attributes):
        path = "".join(f"/{step}" for step in wrong.absolute_path)
        errors.append(
            _error(
                f"/attributes{path}",
                f"attribute_{wrong.validator}",
                "Thuộc tính không đúng quy định của thủ tục",
            )
        )
    if errors:
        raise Malformed(extra={"errors": errors})


def _people(dossier: Dossier, given: DossierCreate, public: dict[str, Any]) -> Applicant:
    return Applicant(
        dossier_id=dossier.id,
        version=1,
        applicant=given.applicant.model_dump(),
        submitter=given.submitter.model_dump() if given.submitter else None,
        parties=[party.model_dump() for party in given.parties],
        private_attributes={name: value for name, value in given.attributes.items() if name not in public},
    )


def _submitted(dossier: Dossier) -> DossierSubmitted:
    return DossierSubmitted(
        procedure=f"{dossier.procedure_code}@{dossier.procedure_version}",
        field_code=dossier.field_code,
        channel=dossier.channel,
        assisted=dossier.is_assisted,
        receiving_unit_code=dossier.receiving_unit_code,
        applicant_kind=dossier.applicant_kind,
        applicant_version=dossier.applicant_version,
        result_delivery=dossier.result_delivery,
        attributes=dossier.attributes,
    )


# Reception


async def accept_dossier(session: AsyncSession, dossier_id: UUID, seen: int, by: Principal) -> Dossier:
    """Issue the official code and promise the appointment (form 01)."""
    head, dossier = await _open(session, dossier_id, Action.ACCEPT, seen, by)
    at = next_instant(session, head)
    today = worktime.local_date(at)
    _, unit = _references(session).in_force("agency", dossier.receiving_unit_code, today)
    calendar: worktime.Calendar = _references(session).latest("calendar", unit.calendar_code)
    limit = _limit(session, dossier)
    dossier.accepted_at = at
    dossier.appointment_at = dossier.first_appointment_at = worktime.due_at(
        at, worktime.Limit.model_validate(limit.model_dump()), calendar
    ).due_at
    number = await repository.next_number(session, unit.dossier_code_prefix, today)
    dossier.code = dossier_code(unit.dossier_code_prefix, today, number)
    fact = DossierAccepted(
        **_submitted(dossier).model_dump(exclude={"assisted", "applicant_version"}),
        code=dossier.code,
        calendar=calendar.reference,
        limit=limit,
        appointment_at=dossier.appointment_at,
    )
    publish(session, head, fact, at)
    return dossier


def _limit(session: AsyncSession, dossier: Dossier) -> Limit:
    """Return the time limit of the procedure version under which the dossier was received."""
    procedure: Procedure = _references(session).get("procedure", dossier.procedure_code, dossier.procedure_version)
    is_remote = dossier.attributes.get("remote_area") is True
    return procedure.remote_area_limit if is_remote and procedure.remote_area_limit else procedure.limit


async def refuse_dossier(session: AsyncSession, dossier_id: UUID, why: Reason, seen: int, by: Principal) -> Dossier:
    """Refuse at reception (form 03)."""
    head, dossier = await _open(session, dossier_id, Action.REFUSE, seen, by)
    _end(session, dossier, Action.REFUSE, why, by)
    publish(session, head, DossierRefused(reason_code=why.reason_code))
    return dossier


async def _open(
    session: AsyncSession, dossier_id: UUID, action: Action, seen: int | None, by: Principal
) -> tuple[HeadRow, Dossier]:
    """Lock a dossier and take it to the state after *action*: state first, then the version the caller saw."""
    head, dossier = await repository.lock_dossier(session, dossier_id, by)
    following = next_status(Status(dossier.status), action, Status(dossier.status_before or "submitted"))
    if seen is not None:
        require_version(seen, dossier.version)
    _move(dossier, following)
    return head, dossier


def _move(dossier: Dossier, following: Status) -> None:
    dossier.status = following
    dossier.version += 1


def _end(session: AsyncSession, dossier: Dossier, action: Action, why: Reason, by: Principal) -> None:
    dossier.ended_at = now(session)
    _decide(session, dossier, action, why, by)


def _decide(session: AsyncSession, dossier: Dossier, action: Action, why: Reason, by: Principal) -> None:
    session.add(
        Decision(
            id=uuid4(), dossier_id=dossier.id, action=action, reason_code=why.reason_code, note=why.note,
            decided_by=by.subject, decided_at=now(session),
        )
    )  # fmt: skip


# Supplement


async def request_supplement(
    session: AsyncSession, dossier_id: UUID, ask: SupplementAsk, seen: int, by: Principal
) -> Dossier:
    """Ask the applicant for what is missing (form 02); from the third time on the head has to approve."""
    head, dossier = await repository.lock_dossier(session, dossier_id, by)
    before = Status(dossier.status)
    following = next_status(before, Action.REQUEST_SUPPLEMENT)
    require_version(seen, dossier.version)
    if dossier.n_supplements >= 2 and ask.approved_by is None:
        raise Malformed(extra={"errors": [_error("/approved_by", "approval_required", "Cần người đứng đầu phê duyệt")]})
    dossier.status_before = before
    dossier.n_supplements += 1
    _move(dossier, following)
    stage = "reception" if dossier.accepted_at is None else "processing"
    session.add(
        SupplementRequest(
            dossier_id=dossier.id, request_no=dossier.n_supplements, stage=stage, ground=ask.ground,
            component_codes=ask.component_codes, note=ask.note, requested_by=by.subject,
            approved_by=ask.approved_by, requested_at=now(session),
        )
    )  # fmt: skip
    publish(
        session,
        head,
        SupplementRequested(
            request_no=dossier.n_supplements,
            stage=stage,
            ground=ask.ground,
            component_codes=ask.component_codes,
        ),
    )
    return dossier


async def supplement_dossier(
    session: AsyncSession, dossier_id: UUID, given: SupplementGiven, seen: int, by: Principal
) -> Dossier:
    """Take what was missing; the dossier is complete again and goes on where it was."""
    head, dossier = await _open(session, dossier_id, Action.SUPPLEMENT, seen, by)
    dossier.status_before = None
    dossier.components = _merged(dossier.components, given.components)
    request = await repository.open_request(session, dossier_id)
    if request is not None:
        request.received_at = now(session)
    publish(session, head, SupplementReceived(request_no=dossier.n_supplements))
    return dossier


def _merged(there: Sequence[dict[str, Any]], given: Sequence[SubmittedComponent]) -> list[dict[str, Any]]:
    merged = {component["code"]: component for component in there}
    merged |= {component.code: component.model_dump() for component in given}
    return list(merged.values())


# Payment


async def request_payment(
    session: AsyncSession, dossier_id: UUID, ask: PaymentAsk, seen: int, by: Principal
) -> Dossier:
    """Ask the applicant to pay a fee, or a notice that did not come through workflow."""
    head, dossier = await _open(session, dossier_id, Action.REQUEST_PAYMENT, seen, by)
    if ask.notice_no in {notice.notice_no for notice in await repository.notices(session, dossier_id)}:
        raise AlreadyDone(Text("Thông báo đã có", "the notice is there"))
    _add_notice(session, head, dossier.id, ask)
    return dossier


def _add_notice(session: AsyncSession, head: HeadRow, dossier_id: UUID, ask: PaymentAsk) -> None:
    session.add(PaymentNotice(dossier_id=dossier_id, requested_at=now(session), **ask.model_dump()))
    publish(session, head, PaymentRequested(**ask.model_dump()))


async def record_payment(session: AsyncSession, dossier_id: UUID, proof: PaymentProof, by: Principal) -> Dossier:
    """Record the voucher of one notice; with the last one the dossier goes on."""
    head, dossier = await repository.lock_dossier(session, dossier_id, by)
    notices = {notice.notice_no: notice for notice in await repository.notices(session, dossier_id)}
    notice = notices.get(proof.notice_no)
    if notice is not None and notice.paid_at is not None:
        raise AlreadyDone(Text("Thông báo này đã được nộp", "this notice is paid"))
    following = next_status(Status(dossier.status), Action.PAY)
    _check_payment(notice, proof)
    assert notice is not None  # noqa: S101 - checked just above
    notice.paid_at, notice.method, notice.reference = proof.paid_at, proof.method, proof.reference
    notice.recorded_by = by.subject
    n_left = sum(other.paid_at is None for other in notices.values())
    _move(dossier, following if n_left else Status.PROCESSING)
    fields = proof.model_dump(exclude={"reference"})
    publish(session, head, PaymentRecorded(**fields, outstanding=n_left))
    return dossier


def _check_payment(notice: PaymentNotice | None, proof: PaymentProof) -> None:
    if notice is None:
        raise Malformed(extra={"errors": [_error("/notice_no", "unknown_notice", "Không có thông báo này")]})
    if proof.amount != notice.amount:
        raise Malformed(extra={"errors": [_error("/amount", "wrong_amount", "Số tiền không khớp thông báo")]})


# Ends


async def withdraw_dossier(session: AsyncSession, dossier_id: UUID, why: Reason, seen: int, by: Principal) -> Dossier:
    """The applicant withdraws."""
    head, dossier = await _open(session, dossier_id, Action.WITHDRAW, seen, by)
    _end(session, dossier, Action.WITHDRAW, why, by)
    publish(session, head, DossierWithdrawn(reason_code=why.reason_code))
    return dossier


async def stop_dossier(session: AsyncSession, dossier_id: UUID, why: Reason, seen: int, by: Principal) -> Dossier:
    """End without a result (form 05)."""
    head, dossier = await _open(session, dossier_id, Action.STOP, seen, by)
    _end(session, dossier, Action.STOP, why, by)
    publish(session, head, DossierStopped(reason_code=why.reason_code))
    return dossier


async def post_result(session: AsyncSession, dossier_id: UUID, how: PostedResult, seen: int, by: Principal) -> Dossier:
    """Give the result to the post."""
    head, dossier = await _open(session, dossier_id, Action.POST_RESULT, seen, by)
    publish(session, head, ResultPosted(carrier_code=how.carrier_code))
    return dossier


async def return_result(
    session: AsyncSession, dossier_id: UUID, how: ReturnedResult, seen: int, by: Principal
) -> Dossier:
    """Hand the result over: the dossier ends."""
    head, dossier = await _open(session, dossier_id, Action.RETURN_RESULT, seen, by)
    dossier.ended_at = now(session)
    publish(session, head, ResultReturned(delivery=how.delivery or dossier.result_delivery))
    return dossier


async def reopen_dossier(session: AsyncSession, dossier_id: UUID, why: Reason, seen: int, by: Principal) -> Dossier:
    """The result was found wrong: process again."""
    head, dossier = await _open(session, dossier_id, Action.REOPEN, seen, by)
    dossier.ended_at = dossier.resolved_at = dossier.outcome = None
    _decide(session, dossier, Action.REOPEN, why, by)
    publish(session, head, DossierReopened(reason_code=why.reason_code))
    return dossier


# People


async def read_applicant(
    session: AsyncSession, dossier_id: UUID, version: int | None, purpose: str, by: Principal
) -> Applicant:
    """Return the people of a dossier and record the look in the same transaction."""
    dossier = await repository.get_dossier(session, dossier_id, by)
    applicant = await repository.get_applicant(session, dossier_id, version or dossier.applicant_version)
    look = ApplicantLook(
        id=uuid4(), dossier_id=dossier_id, version=applicant.version, purpose=purpose, subject=by.subject
    )
    session.add(look)
    return applicant


# Facts of the other services


async def start_processing(session: AsyncSession, dossier_id: UUID) -> None:
    """The first leg was acknowledged."""
    dossier = await session.get_one(Dossier, dossier_id)
    if dossier.status in STARTED:
        _move(dossier, STARTED[Status(dossier.status)])


async def take_tax_notice(session: AsyncSession, head: HeadRow, ask: PaymentAsk) -> None:
    """The tax branch determined what is to be paid: tell the applicant, without anybody keying it in again."""
    dossier = await session.get_one(Dossier, head.dossier_id)
    there = await session.get(PaymentNotice, (dossier.id, ask.notice_no))
    if dossier.status not in NOTICE_ISSUED or there is not None:
        return
    _move(dossier, NOTICE_ISSUED[Status(dossier.status)])
    if dossier.status == Status.SUPPLEMENT_REQUESTED:
        dossier.status_before = Status.PAYMENT_REQUESTED
    _add_notice(session, head, dossier.id, ask)


async def resolve_dossier(session: AsyncSession, dossier_id: UUID, outcome: str, at: datetime) -> None:
    """Processing ended."""
    dossier = await session.get_one(Dossier, dossier_id)
    if dossier.status not in RESOLVED:
        return
    _move(dossier, RESOLVED[Status(dossier.status)])
    dossier.outcome = outcome
    dossier.resolved_at = at


async def copy_appointment(
    session: AsyncSession,
    dossier_id: UUID,
    *,
    appointment_at: Any = None,
    suspended_ground: str | None = None,
) -> None:
    """Copy what sla says of the clock: a moved deadline, or the ground on which there is none now.

    The version stays: it guards commands against changes of the state, and a clock that moves must not refuse one.
    """
    dossier = await session.get_one(Dossier, dossier_id)
    dossier.suspended_ground = suspended_ground
    if appointment_at is not None:
        dossier.appointment_at = appointment_at
