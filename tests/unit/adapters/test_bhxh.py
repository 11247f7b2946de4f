"""The tables of BHXH: what its answers mean, what is seen by looking, what its callbacks amount to."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from services.workflow.adapters.bhxh import callbacks
from services.workflow.adapters.bhxh.translator import CALLS, Bhxh, creation, dossier_in, judged, observed, seen
from services.workflow.adapters.line import Outside
from services.workflow.adapters.offered import supplement_note
from services.workflow.adapters.port import Answer, Heard, Said, Seen, Unreadable
from tests.support import PROVINCE
from tests.unit.adapters.pieces import CODE, PEOPLE, told

NOW = datetime(2026, 11, 20, 20, tzinfo=UTC)
NUMBER = "99001/2026/00001"
OFFER, SUPPLEMENT = "LegOffered", "SupplementReceived"
TAKEN, REFUSED, UNKNOWN, NO_EFFECT = Answer.TAKEN, Answer.REFUSED, Answer.UNKNOWN, Answer.NO_EFFECT


@pytest.mark.parametrize(
    ("fact", "answer", "expected"),
    [
        (OFFER, {"MaLoi": 0, "SoHoSo": NUMBER}, TAKEN),
        (OFFER, {"MaLoi": 1, "SoHoSo": NUMBER}, TAKEN),
        (OFFER, {"MaLoi": 1}, UNKNOWN),
        (OFFER, {"MaLoi": 0}, UNKNOWN),
        (OFFER, {"MaLoi": 0, "SoHoSo": "123"}, UNKNOWN),
        (OFFER, {"MaLoi": 0, "SoHoSo": NUMBER, "Loi": "Lỗi: không kết nối được"}, UNKNOWN),
        (OFFER, {"MaLoi": -1, "MoTa": "Dữ liệu không hợp lệ"}, REFUSED),
        (OFFER, {"MaLoi": -1, "MoTa": f"Không tìm thấy hồ sơ {CODE}"}, REFUSED),
        (SUPPLEMENT, {"MaLoi": -1, "MoTa": f"Không tìm thấy hồ sơ {CODE}"}, Answer.GONE),
        (OFFER, {"MaLoi": "0", "SoHoSo": NUMBER}, UNKNOWN),
        (OFFER, {"MaLoi": False, "SoHoSo": NUMBER}, UNKNOWN),
        (OFFER, {"MaLoi": 7, "SoHoSo": NUMBER}, UNKNOWN),
        (OFFER, {}, UNKNOWN),
        (SUPPLEMENT, {"MaLoi": 0, "SoHoSo": NUMBER}, TAKEN),
        (SUPPLEMENT, {"MaLoi": 1, "SoHoSo": NUMBER}, UNKNOWN),
        (SUPPLEMENT, {"MaLoi": -1, "MoTa": f"Hồ sơ {CODE} không chờ bổ sung"}, REFUSED),
    ],
)
def test_an_answer_means_what_the_table_says(fact: str, answer: dict[str, Any], expected: Answer) -> None:
    assert judged(fact, answer).answer is expected


def test_looking_proves_an_effect_or_that_there_was_none() -> None:
    sent = told(SUPPLEMENT, request_no=2)
    steps = [{"NoiDung": "Một cửa chuyển bổ sung theo phiếu số 1"}]
    assert observed(told(OFFER), {"SoHoSo": NUMBER}).answer is TAKEN
    assert observed(told(OFFER, no=4), {"SoHoSo": NUMBER}).answer is NO_EFFECT
    assert observed(sent, {"TienDo": steps}).answer is NO_EFFECT
    assert observed(sent, {"TienDo": [*steps, {"NoiDung": supplement_note(sent)}]}).answer is TAKEN
    assert observed(sent, {}).answer is UNKNOWN


STEP = {"Buoc": "finished", "NoiDung": "Đã cấp thẻ", "ThoiDiem": "2026-11-20T02:00:00Z", "NguoiXuLy": "Cán bộ 01"}
CLOSED = {
    "MaHoSoMotCua": CODE, "SoHoSo": NUMBER, "TrangThai": "finished", "SoQuyetDinh": "QD-1", "TienDo": [{}, STEP],
}  # fmt: skip


@pytest.mark.parametrize(
    ("found", "event", "body"),
    [
        (
            CLOSED, "KetThuc",
            {"KetQua": 0, "SoQuyetDinh": "QD-1", "NgayKetThuc": STEP["ThoiDiem"], "GhiChu": "Đã cấp thẻ"},
        ),
        (
            {**CLOSED, "TrangThai": "refused", "SoQuyetDinh": None, "TienDo": [{**STEP, "Buoc": "refused"}]}, "KetThuc",
            {"KetQua": 1, "SoQuyetDinh": None, "NgayKetThuc": STEP["ThoiDiem"], "GhiChu": "Đã cấp thẻ"},
        ),
        (
            {**CLOSED, "TrangThai": "waiting_supplement", "TienDo": [{**STEP, "Buoc": "waiting_supplement"}]},
            "YeuCauBoSung", {"NoiDung": "Đã cấp thẻ", "ThoiDiem": STEP["ThoiDiem"]},
        ),
    ],
)  # fmt: skip
def test_a_state_that_asks_something_of_us_is_heard_word_for_word_as_its_callback(
    found: dict[str, Any], event: str, body: dict[str, Any]
) -> None:
    who = {"MaHoSoMotCua": CODE, "SoHoSo": NUMBER, "NguoiXuLy": "Cán bộ 01"}
    assert callbacks.shown(found, NOW) == callbacks.hear(event, who | body, NOW)


def test_a_date_that_moves_while_it_waits_is_not_asked_for_again() -> None:
    ask = {**STEP, "Buoc": "waiting_supplement", "NoiDung": "Thiếu tờ khai"}
    moved = {**ask, "NoiDung": "Hẹn lại: cần xác minh", "ThoiDiem": "2026-11-21T02:00:00Z"}
    waiting = {**CLOSED, "TrangThai": "waiting_supplement"}
    asked = callbacks.shown({**waiting, "TienDo": [{}, ask]}, NOW)
    assert asked.messages[0].data["note"] == "Thiếu tờ khai"
    assert callbacks.shown({**waiting, "TienDo": [{}, ask, moved]}, NOW) == asked
    checked = {**STEP, "Buoc": "checking"}
    again = callbacks.shown({**waiting, "TienDo": [{}, ask, moved, checked, {**ask, "NoiDung": "Thiếu ảnh"}]}, NOW)
    assert again.messages[0].data["note"] == "Thiếu ảnh"


@pytest.mark.parametrize("words", ["tra cho ong Nguyen Van Thu", "so 5 ngay 12"])
def test_words_never_become_the_number_of_a_decision(words: str) -> None:
    body = {"MaHoSoMotCua": CODE, "KetQua": 0, "SoQuyetDinh": words, "NgayKetThuc": STEP["ThoiDiem"], "GhiChu": ""}
    note, ended = callbacks.hear("KetThuc", body, NOW).messages
    assert (words in note.data["text"], ended.data) == (True, {"outcome": "issued"})
    number = callbacks.hear("KetThuc", {**body, "SoQuyetDinh": " 12 / QD - BHXH"}, NOW).messages[-1]
    assert number.data["document_no"] == "12/QD-BHXH"


@pytest.mark.parametrize(
    "change",
    [
        {"TrangThai": "checking"}, {"TrangThai": "archived"}, {"TienDo": []}, {"TienDo": "x"}, {"TienDo": ["x"]},
        {"TienDo": [STEP, {**STEP, "Buoc": "checking"}]}, {"TienDo": [{**STEP, "ThoiDiem": "hôm qua"}]},
        {"MaHoSoMotCua": None},
    ],
)  # fmt: skip
def test_a_state_that_can_not_be_told_as_its_callback_says_nothing(change: dict[str, Any]) -> None:
    assert callbacks.shown(CLOSED | change, NOW) == Heard()


HERE = {"MaThuTuc": "LT.01", "TrangThai": "checking", "SoHoSo": NUMBER, "TienDo": []}
SHOWN = {"procedure_code": "LT.01"}


@pytest.mark.parametrize(
    ("given", "found", "expected"),
    [
        (told(OFFER), HERE, Seen(state=SHOWN, has_last=True)),
        (told(OFFER), {**HERE, "SoHoSo": ""}, Seen(state=SHOWN, has_last=False)),
        (told(OFFER, no=4), HERE, Seen(state=SHOWN)),
        (told("LegCancelled"), HERE, Seen(state=SHOWN)),
        (told(SUPPLEMENT, request_no=2), HERE, Seen(state=SHOWN, has_last=False)),
        (told(OFFER), {**HERE, "TrangThai": "archived"}, None),
        (told(OFFER), {**HERE, "MaThuTuc": None}, None),
        (told(OFFER), {**HERE, "MaThuTuc": "một tên gọi, không phải mã"}, None),
        (told(SUPPLEMENT, request_no=2), {**HERE, "TienDo": "nothing"}, None),
    ],
)
def test_a_look_shows_what_is_there_and_is_unknown_if_anything_is_not_understood(
    given: Any, found: dict[str, Any], expected: Any
) -> None:
    shown = seen(given, found)
    if isinstance(expected, Seen):
        assert shown == expected
    else:
        assert isinstance(shown, Said)
        assert shown.answer is UNKNOWN


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"MaLoi": -1, "MoTa": f"Không tìm thấy hồ sơ {CODE}"}, NO_EFFECT),
        ({"MaLoi": -1, "MoTa": "Chữ ký không đúng"}, UNKNOWN),
        ({"MaLoi": 0, "Loi": "x", "HoSo": {}}, UNKNOWN),
        ({"MaLoi": 0}, UNKNOWN),
    ],
)
def test_only_a_listed_answer_says_that_nothing_is_there(answer: dict[str, Any], expected: Answer) -> None:
    found = dossier_in(answer)
    assert isinstance(found, Said)
    assert found.answer is expected


async def test_every_fact_it_is_told_has_a_call_or_is_refused() -> None:
    bhxh = Bhxh(Outside("http://127.0.0.1:9"))
    system = json.loads((PROVINCE / "systems" / "bhxh.json").read_text())
    assert set(system["tells"]) - set(CALLS) == {"LegCancelled"}
    for fact in ("LegCancelled", "SomethingNew"):
        found = await bhxh.deliver(told(fact))
        assert (found.answer, found.reason_code) == (REFUSED, "no_call")
    away = await bhxh.deliver(told(OFFER))
    assert (away.answer, away.reason_code) == (NO_EFFECT, "no_connection")
    unseen = await bhxh.observe(told(OFFER))
    assert unseen is not None
    assert unseen.answer is UNKNOWN


def test_a_creation_is_in_utc_and_names_the_applicant() -> None:
    assert creation(told(OFFER), PEOPLE) == {
        "MaHoSoMotCua": CODE,
        "MaThuTuc": "DD.01",
        "NguoiNop": {"HoTen": "Nguyễn Văn Thử", "SoDinhDanh": "000000000000"},
        "NgayTiepNhan": "2026-11-19T01:00:00.000Z",
        "NgayHenTra": "2026-12-01T10:00:00.000Z",
    }


def heard(event: str, **body: Any) -> list[tuple[str, dict[str, Any]]]:
    named = {"MaHoSoMotCua": CODE, "SoHoSo": NUMBER, "NguoiXuLy": "Cán bộ BHXH 01"}
    messages = callbacks.hear(event, named | body, NOW).messages
    assert len({one.message_id for one in messages}) == len(messages)
    return [(one.kind, one.data) for one in messages]


def test_callbacks_become_messages() -> None:
    at = "2026-11-20T02:00:00Z"
    step = {"Buoc": "checking", "NoiDung": "Đang kiểm tra", "ThoiDiem": at}
    assert heard("TienDo", **step) == [
        ("progressed", {"step_code": "checking", "text": "Đang kiểm tra"}),
        ("leg_acknowledged", {}),
    ]
    assert [kind for kind, _ in heard("TienDo", **{**step, "Buoc": "deciding"})] == ["progressed"]
    unnamed = heard("TienDo", **{**step, "Buoc": "Đang xét – vòng 2"})
    assert unnamed == [("progressed", {"step_code": "TienDo", "text": "Đang xét – vòng 2; Đang kiểm tra"})]
    assert heard("HenTra", NgayHenTraMoi="2026-12-05T17:00:00+07:00", LyDo="Cần xác minh") == [
        ("progressed", {"step_code": "HenTra", "text": "Cần xác minh"}),
        ("date_proposed", {"due_at": "2026-12-05T10:00:00+00:00", "reason_code": "bhxh_date"}),
    ]
    proposed = {"ground": "incomplete", "component_codes": [], "note": "Thiếu tờ khai"}
    assert heard("YeuCauBoSung", NoiDung="Thiếu tờ khai", ThoiDiem=at) == [("supplement_proposed", proposed)]
    assert heard("KetThuc", KetQua=0, SoQuyetDinh="QD-1", NgayKetThuc=at, GhiChu="") == [
        ("leg_completed", {"outcome": "issued", "document_no": "QD-1"})
    ]
    assert heard("KetThuc", KetQua=0, SoQuyetDinh="Số 5 (bản sao)", NgayKetThuc=at, GhiChu="") == [
        ("progressed", {"step_code": "KetThuc", "text": "Số 5 (bản sao)"}),
        ("leg_completed", {"outcome": "issued"}),
    ]
    assert heard("KetThuc", KetQua=1, SoQuyetDinh=None, NgayKetThuc=at, GhiChu="Không đủ")[-1] == (
        "leg_completed",
        {"outcome": "not_eligible"},
    )


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ("Khac", {}),
        ("TienDo", {"Buoc": "checking", "NoiDung": "x"}),
        ("TienDo", {"NoiDung": "x", "ThoiDiem": "2026-11-20T02:00:00Z"}),
        ("HenTra", {"NgayHenTraMoi": "2026-12-05"}),
        ("KetThuc", {"KetQua": 2, "NgayKetThuc": "2026-11-20T02:00:00Z"}),
    ],
)
def test_what_is_not_in_the_table_is_not_understood(event: str, body: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        heard(event, **body)
