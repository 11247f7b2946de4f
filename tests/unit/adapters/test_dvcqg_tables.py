"""The portal's tables: every state, every fact, nothing guessed, nobody's particulars in the words."""

import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain import PORTAL_CODE
from services.workflow.adapters.dvcqg import catalogue, codes
from services.workflow.adapters.dvcqg.catalogue import Names
from services.workflow.adapters.dvcqg.header import ALWAYS, IF_MOVED, header, is_foreign, is_missing
from services.workflow.adapters.dvcqg.progress import is_there, line
from services.workflow.adapters.dvcqg.sentences import SENTENCES
from services.workflow.adapters.port import Json, Told
from services.workflow.domain.picture import Status
from shared.events import Fact, intake, workflow
from tests.unit.adapters.tale import (
    ASKED,
    BROUGHT,
    MOVED,
    PEOPLE,
    PROVINCE,
    SAMPLES,
    START,
    TO_PAY,
    Tale,
    accepted,
    land_transfer,
    submitted,
    system,
    with_status,
)

TELLS = system("dvcqg").tells
NAMES = Names("Đăng ký biến động", "Đất đai")
NUMBER = "N-1"
STAMP = re.compile(r"\d{14}")


def told(fact: str) -> Told:
    """Return the delivery of a fact of a dossier in processing."""
    tale = Tale("dvcqg")
    if fact == "DossierSubmitted":
        return tale.last(submitted())
    if fact == "DossierAccepted":
        return tale.last(submitted(), accepted())
    return tale.last(submitted(), accepted(), workflow.LegAcknowledged(leg_no=1), SAMPLES[fact])


def head(given: Told, people: Json = PEOPLE, found: Json | None = None) -> Json:
    return header(given, NUMBER, NAMES, people, found or {})


def test_every_state_of_ours_has_the_code_that_intake_shows() -> None:
    assert set(codes.STATE) == {status.value for status in Status}
    assert {state: int(code) for state, code in codes.STATE.items()} == {s.value: c for s, c in PORTAL_CODE.items()}
    assert set(codes.STATE.values()) == {str(code) for code in range(1, 11)}


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("is_received", [True, False])
def test_header_and_log_carry_the_code_of_the_state(status: Status, is_received: bool) -> None:
    dossier = {"status": status.value, "accepted_at": START.isoformat() if is_received else None}
    expected = codes.STATE[status.value]
    assert codes.log_code(dossier) == expected
    needs_dates = status in {Status.SUPPLEMENT_REQUESTED, Status.WITHDRAWN, Status.STOPPED}
    is_hidden = needs_dates and not is_received
    assert codes.header_code(dossier) == ("1" if is_hidden else expected)


def test_what_is_not_granted_is_nine_and_never_three() -> None:
    tale = Tale("dvcqg")
    last = tale.last(submitted(), accepted(), workflow.RouteCompleted(outcome="not_granted"))
    assert head(last)["TrangThaiHoSo"] == "9"


def test_there_is_a_sentence_for_every_fact_that_is_told_and_for_no_other() -> None:
    assert set(SENTENCES) == set(TELLS)
    assert set(TELLS) > ALWAYS | IF_MOVED


@pytest.mark.parametrize("fact", TELLS)
def test_every_fact_becomes_one_readable_line_of_strings_without_anybodys_particulars(fact: str) -> None:
    given = told(fact)
    found = line(given, NUMBER)
    assert found is not None
    assert all(isinstance(value, str) and value for value in found.values())
    assert found["NoiDungXuLy"].startswith(f"Bước {given.no}: ")
    assert re.search(r"[À-ỹ]", found["NoiDungXuLy"])
    assert "None" not in found["NoiDungXuLy"]
    assert not any(value in str(found) for value in PEOPLE.values() if value != "citizen")
    assert len(found["NguoiXuLy"]) <= 50
    assert STAMP.fullmatch(found["ThoiDiemXuLy"])
    assert is_there(given, [found])


def test_a_line_names_the_agency_its_time_in_hanoi_and_its_limit() -> None:
    found = line(told("LegOffered"), NUMBER)
    assert found is not None
    assert (found["NguoiXuLy"], found["TrangThai"]) == ("H99.THUE.01", "4")
    assert found["ThoiDiemXuLy"] == "20261005080400"
    assert found["NgayKetThucTheoQuyDinh"] == "20261010080000"


@pytest.mark.parametrize(("citation", "is_shown"), [("118/2025/NĐ-CP, Điều 5", True), ("to be confirmed", False)])
def test_a_citizen_reads_a_citation_only_if_it_names_a_document(citation: str, is_shown: bool) -> None:
    texts = [SENTENCES[fact](told(fact).data | {"citation": citation}) for fact in ("ClockSuspended", "DeadlineMoved")]
    assert [citation in text for text in texts] == [is_shown, is_shown]


def test_a_stretch_of_the_applicant_and_one_of_the_system_are_said_as_such() -> None:
    offered, *_ = Tale("dvcqg").all(submitted(), workflow.LegOffered(leg_no=4, step_code="payment", task="Nộp thuế",
                                                                     holder="applicant"))[1:]  # fmt: skip
    assert (line(offered, NUMBER) or {})["NoiDungXuLy"].endswith("Chờ người nộp hồ sơ thực hiện: Nộp thuế")
    automatic = [one for one in Tale("dvcqg").all(*land_transfer()) if one.data.get("automatic")]
    assert [(line(one, NUMBER) or {})["NguoiXuLy"] for one in automatic] == ["H99.01"]


@given(st.lists(st.sampled_from(sorted(set(TELLS) - {"DossierSubmitted", "DossierAccepted"})), max_size=12))
def test_no_line_of_a_lane_is_taken_for_another(facts: list[str]) -> None:
    tale = Tale("dvcqg")
    deliveries = tale.all(submitted(), accepted(), *(SAMPLES[name] for name in facts))
    lines = [line(one, NUMBER) or {} for one in deliveries]
    for n, one in enumerate(deliveries):
        assert is_there(one, lines)
        assert not is_there(one, lines[:n] + lines[n + 1 :])


@pytest.mark.parametrize("fact", TELLS)
@pytest.mark.parametrize("status", list(Status))
def test_a_header_holds_strings_and_dates_only_and_its_own_code(fact: str, status: Status) -> None:
    found = head(with_status(told(fact), status.value))
    rows = [row for value in found.values() if isinstance(value, list) for row in value]
    plain = [value for value in found.values() if not isinstance(value, list)]
    assert all(isinstance(value, str) and value for value in plain + [v for row in rows for v in row.values()])
    dates = [value for name, value in found.items() if name.startswith("Ngay")]
    assert all(STAMP.fullmatch(value) for value in dates)
    is_hidden = found.get("NgayTiepNhan") is None and status in {"supplement_requested", "withdrawn", "stopped"}
    assert found["TrangThaiHoSo"] == ("1" if is_hidden else codes.STATE[status])
    assert {"ChuHoSo", "TenTTHC", "TenLinhVuc", "KenhThucHien", "LoaiDoiTuong", "NgayNopHoSo"} <= set(found)


def test_the_applicant_is_told_as_intake_knows_them() -> None:
    found = head(told("DossierAccepted"))
    assert (found["ChuHoSo"], found["SoDienThoai"]) == (PEOPLE["full_name"], PEOPLE["phone"])
    assert found["DinhDanhCHS"] == [{"LoaiDinhDanh": "1", "SoDinhDanh": "099999999999"}]
    assert (found["MaDoiTuong"], found["HinhThuc"], found["KenhThucHien"]) == ("099999999999", "1", "2")


@pytest.mark.parametrize(("number", "kind"), [("123456789", "2"), ("0301234567", None), ("B1234567", None)])
def test_only_numbers_of_a_known_form_are_called_an_identity(number: str, kind: str | None) -> None:
    found = head(told("DossierAccepted"), PEOPLE | {"identity_number": number})
    assert found["SoGiayToChuHoSo"] == number
    assert found.get("DinhDanhCHS") == ([{"LoaiDinhDanh": kind, "SoDinhDanh": number}] if kind else None)


@pytest.mark.parametrize("kind", ["citizen", "household", "business", "agency", "other"])
@pytest.mark.parametrize("channel", ["online", "counter", "post"])
@pytest.mark.parametrize("delivery", ["counter", "post", "electronic"])
def test_every_kind_channel_and_delivery_has_a_code(kind: str, channel: str, delivery: str) -> None:
    birth = submitted(applicant_kind=kind, channel=channel, result_delivery=delivery)
    found = head(Tale("dvcqg").last(birth))
    assert found["LoaiDoiTuong"] in {"1", "2", "3", "4"}
    assert found["KenhThucHien"] in {"1", "2", "3"}
    assert ("MaDoiTuong" in found) == (channel == "online")
    assert found.get("HinhThuc") == {"counter": "0", "post": "1"}.get(delivery)


def test_dates_are_those_of_the_dossier_and_move_only_with_the_law() -> None:
    tale = Tale("dvcqg")
    deliveries = tale.all(*land_transfer())
    received = {head(one).get("NgayTiepNhan") for one in deliveries[1:]}
    assert received == {"20261005080200"}
    due = [head(one)["NgayHenTra"] for one in deliveries[1:]]
    assert sorted(set(due)) == ["20261017080000", "20261022080000"]
    assert due == sorted(due)
    last = head(deliveries[-1])
    assert (last["TrangThaiHoSo"], last["NgayNopHoSo"]) == ("10", "20261005080100")
    assert last["NgayKetThucXuLy"] < last["NgayTra"]


def test_a_refusal_has_its_date_and_needs_no_due_date() -> None:
    found = head(Tale("dvcqg").last(submitted(), SAMPLES["DossierRefused"]))
    assert (found["TrangThaiHoSo"], found["NgayTuChoi"]) == ("3", "20261005080200")
    assert not {"NgayHenTra", "NgayTiepNhan"} & set(found)


def test_what_was_asked_for_moved_and_to_be_paid_is_carried_on() -> None:
    tale, found = Tale("dvcqg"), dict[str, Any]()
    again = intake.PaymentRequested(notice_no="TB-2", kind="tax", amount=8, replaces=["TB-1"])
    for one in tale.all(submitted(), accepted(), ASKED, BROUGHT, TO_PAY, MOVED, again, SAMPLES["RouteCompleted"]):
        found = head(one, found=found)
        assert head(one, found=found) == found
    supplement, moved = found["DanhSachHoSoBoSung"]
    assert {"NgayBoSung", "NgayTiepNhanBoSung"} < set(supplement)
    assert (moved["NgayHenTraTruoc"], moved["NgayHenTraMoi"]) == ("20261017080000", "20261022080000")
    assert [(row["MaPhiLePhi"], row["Gia"]) for row in found["DanhSachLePhi"]] == [("TB-2", "8")]


@pytest.mark.parametrize("fact", TELLS)
def test_a_header_is_missing_until_the_portal_has_it_and_its_dates(fact: str) -> None:
    given = told(fact)
    assert is_missing(given, NUMBER, NAMES, None)
    found = head(given)
    assert not is_missing(given, NUMBER, NAMES, found)
    assert is_missing(given, NUMBER, NAMES, found | {"NgayNopHoSo": "20990101000000"})
    later = found | {"GhiChu": f"LT:{given.no + 1}:4"}
    assert not is_missing(given, NUMBER, NAMES, later)


def facts_after_reception() -> list[Fact]:
    return [fact for name, fact in SAMPLES.items() if name in TELLS and not name.startswith(("DossierS", "DossierA"))]


@pytest.mark.parametrize("fact", facts_after_reception(), ids=lambda fact: type(fact).__name__)
def test_a_header_is_told_again_only_if_the_fact_changes_it(fact: Fact) -> None:
    tale = Tale("dvcqg")
    found = head(tale.last(submitted(), accepted(), workflow.LegAcknowledged(leg_no=1)))
    is_told = is_missing(tale.last(fact), NUMBER, NAMES, found)
    assert is_told == (type(fact).__name__ in ALWAYS)


def test_the_first_leg_taken_over_and_the_last_notice_paid_change_the_state_and_so_the_header() -> None:
    tale = Tale("dvcqg")
    found = head(tale.last(submitted(), accepted()))
    first = tale.last(workflow.LegAcknowledged(leg_no=1))
    assert is_missing(first, NUMBER, NAMES, found)
    found = head(tale.last(TO_PAY))
    assert is_missing(tale.last(SAMPLES["PaymentRecorded"]), NUMBER, NAMES, found)


def test_a_state_that_somebody_else_set_is_noticed_unless_it_is_what_we_say_too() -> None:
    tale = Tale("dvcqg")
    found = head(tale.last(submitted(), accepted())) | {"TrangThaiHoSo": "7"}
    assert is_foreign(tale.last(workflow.LegAcknowledged(leg_no=1)), found)
    assert not is_foreign(tale.last(SAMPLES["DossierWithdrawn"]), found)
    assert not is_foreign(told("LegAcknowledged"), None)


@pytest.mark.parametrize("end", ["DossierWithdrawn", "DossierStopped"])
def test_an_end_before_reception_that_the_portal_shows_itself_is_nobody_elses_and_needs_no_header(end: str) -> None:
    tale = Tale("dvcqg")
    first = head(tale.last(submitted()))
    told = tale.last(SAMPLES[end])
    shown = first | {"TrangThaiHoSo": codes.log_code(told.dossier)}
    assert (is_missing(told, NUMBER, NAMES, first), is_foreign(told, first)) == (True, False)
    assert (is_missing(told, NUMBER, NAMES, shown), is_foreign(told, shown)) == (False, False)
    assert is_foreign(told, first | {"TrangThaiHoSo": "4"})


def test_the_sample_province_names_its_procedures_by_their_newest_version() -> None:
    found = catalogue.read(PROVINCE / "procedures")
    assert set(found) == {"DD.01", "LT.01"}
    assert found["DD.01"].field == "Đất đai"


def test_the_promise_is_an_instant_of_hanoi() -> None:
    late = Tale("dvcqg").last(submitted(), accepted(appointment_at=START + timedelta(hours=17)))
    assert head(late)["NgayHenTra"] == "20261006010000"
