"""Notices: what is to be paid is told to the applicant, and the voucher of each is recorded."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from services.intake import repository
from services.intake.domain import (
    TAKES_NOTICES,
    Action,
    NoticeReplaced,
    Status,
    awaiting,
    is_outstanding,
    next_status,
    replaced_by,
)
from services.intake.handlers.transitions import Call, move, open_dossier
from services.intake.models import Dossier, PaymentNotice
from services.intake.schemas import PaymentAsk, PaymentProof
from shared.auth import Principal
from shared.errors import AlreadyDone, Malformed, Text, wrong_field
from shared.events.intake import PaymentRecorded, PaymentRequested
from shared.events.workflow import TaxNoticeIssued
from shared.outbox import now, publish
from shared.session import Session
from shared.tables import HeadRow


async def request_payment(session: Session, call: Call, ask: PaymentAsk) -> Dossier:
    """Ask the applicant to pay a fee, or a notice that did not come through workflow."""
    head, dossier = await open_dossier(session, call, Action.REQUEST_PAYMENT)
    if _find(await repository.notices(session, dossier), ask.notice_no) is not None:
        raise AlreadyDone(Text("Thông báo đã có", "the notice is there"))
    notice = repository.add_notice(session, dossier, ask.notice_no)
    notice.kind, notice.amount, notice.due_on = ask.kind, ask.amount, ask.due_on
    notice.requested_at = now(session)
    publish(session, head, _requested(notice))
    return dossier


async def record_payment(session: Session, dossier_id: UUID, proof: PaymentProof, by: Principal) -> Dossier:
    """Record the voucher of one notice; with the last one the dossier goes on."""
    head, dossier, notices = await repository.lock_with_notices(session, dossier_id, by)
    notice = _find(notices, proof.notice_no)
    _require_unsettled(notice, notices)
    next_status(Status(dossier.status), Action.PAY)
    notice = _matching(notice, proof)
    notice.paid_at, notice.method, notice.reference = proof.paid_at, proof.method, proof.reference
    notice.recorded_by = by.subject
    n_left = sum(map(is_outstanding, notices))
    _go_on(dossier, n_left)
    publish(session, head, _recorded(notice, n_left))
    return dossier


async def take_tax_notice(session: Session, head: HeadRow, issued: TaxNoticeIssued) -> None:
    """The tax branch determined what is to be paid: tell the applicant, without anybody keying it in again.

    What is unpaid of an earlier determination is void from now on, what is paid stays. Unless the dossier has ended,
    every notice is answered: with the request to pay it or, if it is paid already, with its payment, because workflow
    may have heard of that payment while others were still due.
    """
    dossier = await session.get_one(Dossier, head.dossier_id)
    if dossier.status not in TAKES_NOTICES:
        return
    notices = await repository.notices(session, dossier)
    notice = _find(notices, issued.notice_no) or repository.add_notice(session, dossier, issued.notice_no)
    if notice.paid_at is None:
        _issue(notice, issued, now(session))
    replaced = _void(notices, issued.leg_no, now(session))
    n_left = sum(map(is_outstanding, notices))
    _go_on(dossier, n_left)
    publish(session, head, _requested(notice, replaced) if is_outstanding(notice) else _recorded(notice, n_left))


async def void_notices(session: Session, head: HeadRow, leg_no: int) -> None:
    """The tax branch determined in the leg *leg_no* that nothing is to be paid: go on without the notices before."""
    dossier = await session.get_one(Dossier, head.dossier_id)
    if dossier.status not in TAKES_NOTICES:
        return
    notices = await repository.notices(session, dossier)
    if _void(notices, leg_no, now(session)):
        _go_on(dossier, sum(map(is_outstanding, notices)))


def _void(notices: Iterable[PaymentNotice], leg_no: int, at: datetime) -> list[PaymentNotice]:
    """Make void what the determination of the leg *leg_no* replaces, and return it."""
    replaced = replaced_by(notices, leg_no)
    for notice in replaced:
        notice.voided_at = at
    return replaced


def _issue(notice: PaymentNotice, issued: TaxNoticeIssued, at: datetime) -> None:
    notice.kind, notice.leg_no = "tax", issued.leg_no
    notice.amount, notice.due_on = issued.amount, issued.due_on
    notice.requested_at, notice.voided_at = at, None


def _go_on(dossier: Dossier, n_left: int) -> None:
    """Wait for the applicant or go on; behind a supplement request that is where the dossier will go on."""
    following = awaiting(n_left)
    if dossier.status == Status.SUPPLEMENT_REQUESTED:
        dossier.status_before = following
        following = Status.SUPPLEMENT_REQUESTED
    move(dossier, following)


def _find(notices: Iterable[PaymentNotice], notice_no: str) -> PaymentNotice | None:
    return next((notice for notice in notices if notice.notice_no == notice_no), None)


def _require_unsettled(notice: PaymentNotice | None, notices: Iterable[PaymentNotice]) -> None:
    if notice is not None and notice.paid_at is not None:
        raise AlreadyDone(Text("Thông báo này đã được nộp", "this notice is paid"))
    if notice is not None and notice.voided_at is not None:
        raise NoticeReplaced(extra={"payable": [other.notice_no for other in notices if is_outstanding(other)]})


def _matching(notice: PaymentNotice | None, proof: PaymentProof) -> PaymentNotice:
    """Return the notice that the voucher pays in full; Malformed if it does not."""
    if notice is None:
        raise _wrong("/notice_no", "unknown_notice", "Không có thông báo này", "There is no such notice")
    if proof.amount != notice.amount:
        raise _wrong("/amount", "wrong_amount", "Số tiền không khớp thông báo", "The amount is not that of the notice")
    return notice


def _wrong(pointer: str, code: str, vi: str, en: str) -> Malformed:
    return Malformed(extra={"errors": [wrong_field(pointer, code, vi, en)]})


def _requested(notice: PaymentNotice, replaced: Iterable[PaymentNotice] = ()) -> PaymentRequested:
    return PaymentRequested(
        notice_no=notice.notice_no,
        kind=notice.kind,
        amount=notice.amount,
        due_on=notice.due_on,
        replaces=[other.notice_no for other in replaced],
    )


def _recorded(notice: PaymentNotice, n_left: int) -> PaymentRecorded:
    return PaymentRecorded(
        notice_no=notice.notice_no,
        amount=notice.amount,
        paid_at=notice.paid_at,
        method=notice.method,
        kind=notice.kind,
        outstanding=n_left,
    )
