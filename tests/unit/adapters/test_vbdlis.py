"""The tables of VBDLIS: what its words mean, what its callbacks amount to, and that no fact is dropped silently."""

import json
import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest

from services.workflow.adapters.line import Outside
from services.workflow.adapters.port import Answer, Unreadable
from services.workflow.adapters.vbdlis import callbacks
from services.workflow.adapters.vbdlis.answers import NO, PROVES, YES, judged
from services.workflow.adapters.vbdlis.translator import CALLS, NO_CALL, Vbdlis, reception, supplement
from tests.support import PROVINCE
from tests.unit.adapters.pieces import CODE, PEOPLE, told

NOW = datetime(2026, 11, 20, 20, tzinfo=UTC)
TAKEN, REFUSED, UNKNOWN = Answer.TAKEN, Answer.REFUSED, Answer.UNKNOWN
TIEPNHAN, BOSUNG, TRA, PHANHOI = CALLS_OF_IT = (
    "tiepnhan", "capnhattrangthaibosunghoso", "capnhattrangthaitraketquahoso", "phanhoihososaiketqua",
)  # fmt: skip


def said(data: Any, success: Any, message: str, code: Any = 200) -> dict[str, Any]:
    return {"data": data, "status": {"success": success, "code": code, "message": message}}


@pytest.mark.parametrize(
    ("call", "words", "first", "repeat"),
    [
        (TIEPNHAN, f"Hồ sơ {CODE} đã tồn tại", REFUSED, TAKEN),
        (TIEPNHAN, "Đã tồn tại.", REFUSED, TAKEN),
        (TIEPNHAN, unicodedata.normalize("NFD", f"Hồ sơ  {CODE} đã tồn tại"), REFUSED, TAKEN),
        (TIEPNHAN, "Thửa đất đã tồn tại trong hồ sơ khác", UNKNOWN, UNKNOWN),
        (TIEPNHAN, "Hồ sơ H99.01-261119-9999 đã tồn tại", UNKNOWN, UNKNOWN),
        (TIEPNHAN, f"Hồ sơ {CODE} đã được trả", UNKNOWN, UNKNOWN),
        (BOSUNG, f"Hồ sơ {CODE} không chờ bổ sung", REFUSED, TAKEN),
        (BOSUNG, f"Không tìm thấy hồ sơ {CODE}", REFUSED, REFUSED),
        (TRA, f"Hồ sơ {CODE} đã được trả", REFUSED, TAKEN),
        (TRA, f"Hồ sơ {CODE} chưa kết thúc xử lý", REFUSED, REFUSED),
        (PHANHOI, f"Hồ sơ {CODE} chưa có kết quả", REFUSED, REFUSED),
        *[(call, "Dữ liệu không hợp lệ: NgayTra: sai", REFUSED, REFUSED) for call in CALLS_OF_IT],
        *[(call, "Có lỗi xảy ra", UNKNOWN, UNKNOWN) for call in CALLS_OF_IT],
        *[(call, "", UNKNOWN, UNKNOWN) for call in CALLS_OF_IT],
    ],
)
def test_the_words_of_a_no_mean_what_the_table_says(call: str, words: str, first: Answer, repeat: Answer) -> None:
    no = said(0, False, words, 400)
    assert judged(call, no, CODE, is_repeat=False).answer is first
    assert judged(call, no, CODE, is_repeat=True).answer is repeat


@pytest.mark.parametrize("is_repeat", [False, True])
@pytest.mark.parametrize("call", CALLS_OF_IT)
def test_a_yes_needs_everything_that_says_yes(call: str, *, is_repeat: bool) -> None:
    words = YES[call][0].capitalize()
    assert judged(call, said(1, True, words), CODE, is_repeat=is_repeat).answer is TAKEN
    assert judged(call, said("1", True, words, "200"), CODE, is_repeat=is_repeat).answer is TAKEN
    for answer in (
        said(0, True, words),
        said(1, False, words),
        said(1, True, words, 400),
        said(1, True, f"{words}. Lỗi: Object reference not set"),
        said(True, True, words),
        said([1], True, words),
        said(1, "true", words),
        {"data": 1},
        {"data": 1, "status": "success"},
        {},
    ):
        assert judged(call, answer, CODE, is_repeat=is_repeat).answer is UNKNOWN, answer


def test_what_proves_an_earlier_try_is_a_listed_no() -> None:
    assert set(YES) == set(NO) == {call for call, _, _ in CALLS.values()}
    assert all(set(words) <= set(NO[call]) for call, words in PROVES.items())


def test_every_fact_it_is_told_is_in_the_table() -> None:
    system = json.loads((PROVINCE / "systems" / "vbdlis.json").read_text())
    assert set(system["tells"]) <= set(CALLS) | NO_CALL
    assert set(CALLS) <= set(system["tells"])
    assert not set(CALLS) & NO_CALL


@pytest.mark.parametrize("fact", [*sorted(NO_CALL), "SomethingNew"])
async def test_a_fact_without_a_call_is_refused_so_that_a_person_sees_it(fact: str) -> None:
    found = await Vbdlis(Outside("http://127.0.0.1:9")).deliver(told(fact))
    assert (found.answer, found.reason_code) == (REFUSED, "no_call")


async def test_a_later_offer_of_a_dossier_it_holds_needs_no_call() -> None:
    vbdlis = Vbdlis(Outside("http://127.0.0.1:9"))
    assert (await vbdlis.deliver(told("LegOffered", no=3))).reason_code == "already_held"
    first = await vbdlis.deliver(told("LegOffered"))
    assert (first.answer, first.reason_code) == (Answer.NO_EFFECT, "no_connection")
    incomplete = await vbdlis.deliver(told("LegOffered", dossier={"appointment_at": None}))
    assert (incomplete.answer, incomplete.reason_code) == (REFUSED, "incomplete")


def test_bodies_are_in_utc_and_the_same_every_time() -> None:
    body = reception(told("LegOffered"), PEOPLE)
    assert body == reception(told("LegOffered", is_repeat=True), PEOPLE)
    assert (body["NgayTiepNhan"], body["NgayHenTra"]) == ("2026-11-19T01:00:00.000Z", "2026-12-01T10:00:00.000Z")
    assert body["ThongTinNguoiNopDon"] == {"HoTen": "Nguyễn Văn Thử", "SoChungMinh": "000000000000"}
    assert body["ThongTinThuaDat"] == [{"SoThuTuThua": "1", "SoHieuBanDo": "2", "DienTich": 100.5}]
    assert reception(told("LegOffered"), {**PEOPLE, "private_attributes": {}})["ThongTinThuaDat"] == []
    assert supplement(told("SupplementReceived", request_no=2), {})["NgayHenTraMoi"] == "2026-12-01T10:00:00.000Z"


# Callbacks


def kinds(event: str, **body: Any) -> list[tuple[str, dict[str, Any]]]:
    heard = callbacks.hear(event, {"SoBienNhan": CODE, **body}, NOW)
    return [(one.kind, one.data) for one in heard.messages]


MOVE = {"MaCanBoChuyen": "CB-1", "MaCanBoNhan": "CB-2", "NoiDungXuLy": "x", "NgayChuyen": "2026-11-20T02:00:00Z"}
END = {"NgayKetThuc": "2026-11-20T02:00:00Z", "MaCanBoXuLy": "LD-1", "GhiChu": "xong"}


def test_a_move_is_progress_and_the_slip_ends_the_appraisal() -> None:
    assert kinds("ChuyenHoSo", MaTrangThai="THAMDINH", **MOVE) == [
        ("progressed", {"step_code": "THAMDINH", "text": "x; CB-1 → CB-2"}),
        ("leg_acknowledged", {}),
    ]
    assert kinds("ChuyenHoSo", MaTrangThai="CHUYENTHUE", **MOVE)[-1] == ("leg_completed", {"outcome": "slip_sent"})
    back = kinds("ChuyenHoSo", MaTrangThai="CHUYENTHUE", LaTrangThaiChuyenLai=True, **MOVE)
    assert back[-1] == ("progressed", {"step_code": "CHUYENTHUE", "text": "x; CB-1 → CB-2; chuyển lại"})


@pytest.mark.parametrize("pause", [True, False, None])
def test_a_wish_to_pause_stays_a_proposed_supplement(*, pause: bool | None) -> None:
    asked = {"NgayChoBoSung": "2026-11-20T02:00:00Z", "GhiChu": "Thiếu giấy", "LaTamDung": pause}
    [(kind, data)] = kinds("YeuCauBoSungHoSo", **asked)
    note = "Thiếu giấy; VBDLIS đề nghị tạm dừng" if pause else "Thiếu giấy"
    assert (kind, data) == ("supplement_proposed", {"ground": "incomplete", "component_codes": [], "note": note})


def test_a_new_date_is_a_proposal() -> None:
    got = {"NgayNhanBoSung": "2026-11-20T02:00:00Z", "GhiChu": "Đã nhận"}
    proposed = {"due_at": "2026-12-20T10:00:00+00:00", "reason_code": "vbdlis_date"}
    assert kinds("NhanBoSungHoSo", NgayHenTraMoi="2026-12-20T17:00:00+07:00", **got)[-1] == ("date_proposed", proposed)
    assert [kind for kind, _ in kinds("NhanBoSungHoSo", NgayHenTraMoi=None, **got)] == ["progressed"]


def test_an_end_with_a_result_completes_and_any_other_returns() -> None:
    papers = {"DanhSachGiayToKetQua": [{"TenGiayTo": "Giấy chứng nhận"}]}
    done = kinds("KetThucHoSo", TrangThaiKetThuc=0, **END, **papers)
    assert done == [
        ("progressed", {"step_code": "KetThucHoSo", "text": "xong; Giấy chứng nhận"}),
        ("leg_completed", {"outcome": "signed"}),
    ]
    assert kinds("KetThucHoSo", TrangThaiKetThuc=2, **END)[-1] == ("leg_returned", {"reason_code": "vbdlis_ended_2"})
    for how in (None, True, "", "xong", 0.0):
        with pytest.raises(Unreadable):
            kinds("KetThucHoSo", TrangThaiKetThuc=how, **END)


def test_a_report_of_taxes_names_notices_but_nobody() -> None:
    notices = [{"HoTenChu": "Nguyễn Văn Thử", "LoaiThue": "Thuế TNCN", "SoThongBaoThue": "TB-1"}]
    [(kind, data)] = kinds("GuiKetQuaThue", NgayCoKetQuaThue="2026-11-20T02:00:00Z", DanhSachThongBaoThue=notices)
    assert (kind, data["text"]) == ("progressed", "1 thông báo thuế; TB-1 (Thuế TNCN)")


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("YeuCauCapNhatHoSo", ["supplement_proposed"]),
        ("TiepNhanHoSoChoMotCua", ["progressed", "leg_acknowledged"]),
        ("ThongBaoNhapSaiThuTuc", ["progressed", "leg_acknowledged", "leg_returned"]),
        ("ThueChuyenTraHoSoDoSai", ["progressed"]),
    ],
)
def test_a_remark_without_a_time_is_of_the_day_and_once_a_day(event: str, expected: list[str]) -> None:
    body = {"SoBienNhan": CODE, "MaCanBoXuLy": "CB-1", "GhiChu": "x"}
    first, again, tomorrow = (
        callbacks.hear(event, body, NOW.replace(day=day, hour=hour)).messages
        for day, hour in ((20, 18), (21, 16), (21, 18))
    )
    assert [one.kind for one in first] == expected
    assert first == again
    assert {one.message_id for one in first}.isdisjoint(one.message_id for one in tomorrow)
    assert len({one.message_id for one in first}) == len(first)
    assert first[0].at.isoformat() == "2026-11-21T00:00:00+07:00"
