"""What people do at the tax office; each deed sends message 11 back."""

from typing import Any

from pydantic import Field

from deploy.sandbox.outside.book import line
from deploy.sandbox.outside.desk import Desk, Refusal
from deploy.sandbox.outside.forms import Form
from deploy.sandbox.outside.office import Action
from deploy.sandbox.outside.storage import Dossier
from deploy.sandbox.tax.book import slip_of, totals
from deploy.sandbox.tax.states import DETERMINED, NOTHING_DUE, RESULT, SLIP_RETURNED

RESULT_CALLBACK = "TCT_GPC"


class Notice(Form):
    """One obligation to pay, in dong."""

    TEN_TIEUMUC: str = Field(min_length=1)
    SO_TIEN: int = Field(gt=0)
    MA_SO_THUE: str = "0000000000"


class Determination(Form):
    """Notices with amounts for one slip (the last one if not named), and the relief granted."""

    seq_id: str | None = None
    notices: list[Notice] = Field(
        min_length=1,
        default_factory=lambda: [
            Notice(TEN_TIEUMUC="Thuế thu nhập cá nhân từ chuyển nhượng bất động sản", SO_TIEN=25_000_000),
            Notice(TEN_TIEUMUC="Lệ phí trước bạ nhà đất", SO_TIEN=5_000_000),
        ],
    )
    relief: int = Field(0, ge=0)
    note: str = "Đã xác định nghĩa vụ tài chính"


class Reason(Form):
    """Why, and for which slip."""

    seq_id: str | None = None
    note: str = ""


def determine(desk: Desk, dossier: Dossier, given: Determination) -> None:
    """Issue notices; a second time replaces those of the first for that slip."""
    slip = _slip(dossier, given.seq_id)
    slip["LIST"] = [_notice(desk, one) for one in given.notices]
    slip["TONG_MIEN_GIAM"] = given.relief
    _conclude(desk, dossier, slip, ("determined", DETERMINED, given.note))


def nothing_due(desk: Desk, dossier: Dossier, given: Reason) -> None:
    """Say that there is nothing to pay; earlier notices of the slip are void."""
    slip = _slip(dossier, given.seq_id)
    slip["LIST"], slip["TONG_MIEN_GIAM"] = [], 0
    _conclude(desk, dossier, slip, ("nothing_due", NOTHING_DUE, given.note or "Không phát sinh nghĩa vụ tài chính"))


def return_slip(desk: Desk, dossier: Dossier, given: Reason) -> None:
    """Send the slip back: something in it is wrong."""
    slip = _slip(dossier, given.seq_id)
    slip["LIST"], slip["TONG_MIEN_GIAM"] = [], 0
    _conclude(desk, dossier, slip, ("slip_returned", SLIP_RETURNED, given.note or "Phiếu chuyển thiếu thông tin"))


def _slip(dossier: Dossier, seq_id: str | None) -> dict[str, Any]:
    slip = slip_of(dossier, seq_id)
    if slip is None:
        msg = f"no slip {seq_id or ''}"
        raise Refusal(msg)
    if dossier.state == "paid":
        raise Refusal("everything is paid")
    return slip


def _notice(desk: Desk, given: Notice) -> dict[str, Any]:
    number = f"TB-{desk.now.year}-{desk.storage.next_number('notice'):06d}"
    day = desk.now.strftime("%d-%m-%Y")
    return {
        "MA_SO_THUE": given.MA_SO_THUE,
        "SO_QUYET_DINH": number,
        "NGAY_QUYET_DINH": day,
        "TEN_TIEUMUC": given.TEN_TIEUMUC,
        "SO_TIEN": given.SO_TIEN,
    }


def _conclude(desk: Desk, dossier: Dossier, slip: dict[str, Any], end: tuple[str, str, str]) -> None:
    dossier.state, slip["MA_KETQUA"], note = end
    dossier.progress.append(line(desk.now, dossier.state, note, "Thuế cơ sở"))
    message = {
        "MSG_TYPE": RESULT,
        "SEQ_ID": f"TCT{desk.storage.next_number('message'):09d}",
        "SEQ_REFID": slip["SEQ_ID"],
        "MA_KETQUA": slip["MA_KETQUA"],
        "DIEN_GIAI": note,
        "BODY": {"MA_HS": dossier.code, **totals(dossier, slip), "LIST": slip["LIST"]},
    }
    desk.call_back(RESULT_CALLBACK, dossier.code, message)


ACTIONS = {
    "determine": Action("Ra thông báo thuế", Determination, determine),
    "nothing-due": Action("Không phát sinh nghĩa vụ", Reason, nothing_due),
    "return-slip": Action("Trả lại phiếu chuyển", Reason, return_slip),
}
