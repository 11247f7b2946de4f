"""Whatever a system says: a callback is understood or it is not, an answer is taken only if everything says so."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.workflow.adapters.bhxh import callbacks as bhxh_callbacks
from services.workflow.adapters.bhxh import translator as bhxh
from services.workflow.adapters.port import Answer, Unreadable
from services.workflow.adapters.vbdlis import answers
from services.workflow.adapters.vbdlis import callbacks as vbdlis_callbacks
from tests.unit.adapters.pieces import CODE

NOW = datetime(2026, 11, 20, 20, tzinfo=UTC)
EVENTS = [
    *(("bhxh", name) for name in ("TienDo", "HenTra", "YeuCauBoSung", "KetThuc")),
    *(
        ("vbdlis", name)
        for name in (
            "ChuyenHoSo", "YeuCauBoSungHoSo", "NhanBoSungHoSo", "GuiKetQuaThue", "KetThucHoSo", "YeuCauCapNhatHoSo",
            "TiepNhanHoSoChoMotCua", "ThongBaoNhapSaiThuTuc", "ThueChuyenTraHoSoDoSai",
        )
    ),
]  # fmt: skip
FIELDS = (
    "Buoc", "NoiDung", "ThoiDiem", "NgayHenTraMoi", "LyDo", "KetQua", "SoQuyetDinh", "NgayKetThuc", "GhiChu",
    "MaTrangThai", "LaTrangThaiChuyenLai", "NgayChuyen", "NgayChoBoSung", "LaTamDung", "NgayNhanBoSung",
    "DanhSachThongBaoThue",
    "NgayCoKetQuaThue", "TrangThaiKetThuc", "DanhSachGiayToKetQua", "SoThongBaoThue",
)  # fmt: skip
SCALARS = (
    st.sampled_from([None, True, False, 0, 1, -1, 2, 0.0, 1.5, "", " ", "0", "-1", "²", "x" * 3000, "Số 5 (bản sao)"])
    | st.sampled_from(["2026-11-20T02:00:00Z", "2026-11-20", "THAMDINH", "9999-12-31T23:59:59-12:00"])
    | st.text("aĐ. ;\n\0", max_size=5)
)
NESTED = st.dictionaries(st.sampled_from(FIELDS), SCALARS, max_size=3)
VALUES = SCALARS | st.lists(SCALARS | NESTED, max_size=2) | NESTED


@pytest.mark.parametrize(("system", "event"), EVENTS)
@settings(max_examples=60, deadline=None)
@given(body=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=8))
def test_a_callback_is_understood_or_unreadable_and_nothing_else(system: str, event: str, body: dict[str, Any]) -> None:
    hear = {"bhxh": bhxh_callbacks.hear, "vbdlis": vbdlis_callbacks.hear}[system]
    named = {**body, "MaHoSoMotCua": CODE, "SoBienNhan": CODE}
    try:
        heard = hear(event, named, NOW)
    except Unreadable:
        return
    assert heard.messages
    assert heard == hear(event, dict(reversed(named.items())), NOW)
    assert len({one.message_id for one in heard.messages}) == len(heard.messages)
    words = [str(one.data.get(name, "")) for one in heard.messages for name in ("text", "note")]
    assert all(len(text) <= 2000 and "\0" not in text for text in words)
    assert all(one.at.tzinfo is not None for one in heard.messages)


@settings(max_examples=200, deadline=None)
@given(answer=st.dictionaries(st.sampled_from(("data", "status", "MaLoi", "SoHoSo", "MoTa", "HoSo", "Loi")), VALUES))
def test_an_answer_that_is_anything_is_never_taken(answer: dict[str, Any]) -> None:
    for is_repeat in (False, True):
        said = answers.judged("tiepnhan", answer, CODE, is_repeat=is_repeat)
        assert said.answer is Answer.UNKNOWN
    assert bhxh.judged("LegOffered", answer).answer in {Answer.UNKNOWN, Answer.REFUSED}
    bhxh.dossier_in(answer)
