"""Form 06 and the register as files: read back, every number and head stands where the form wants it."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from services.sla.domain.report06 import Counts, Grouping, IdentityBroken, Report06, Row, columns
from services.sla.papers import forms, listing, register, report06

DISTRICT, COMMUNES = "Cấp huyện", "Cấp xã"
LAND = Counts(16_586, 15_845, 12_977, 19_634, 23_513, 71, 2_005, 185)
SMALL = Counts(online=3, counter_post=4, early=2, on_time=3, late=1, in_time=1)
REPORT = Report06(
    place_name="UBND huyện Cần Đước",
    from_on=date(2022, 1, 1),
    to_on=date(2022, 11, 14),
    grouping=Grouping.AGENCY,
    known_until=datetime(2022, 11, 15, 1, 30, tzinfo=UTC),
    rows=(
        Row("Chi nhánh Văn phòng đăng ký đất đai", "A1", LAND, DISTRICT),
        Row("=1+1", "X1", SMALL, COMMUNES),
        Row("UBND xã Long Trạch", "X2", SMALL, COMMUNES),
    ),
    notes=("Chưa nhận được sự kiện của 03 hồ sơ.",),
    receiving_unit="Văn phòng UBND tỉnh Long An",
)
DOSSIER = register.RegisterRow(
    no=1,
    dossier_code="000.17.22.H56-210531-0001",
    procedure_name="Đăng ký biến động quyền sử dụng đất",
    receiving_unit="Bộ phận Một cửa huyện Cần Đước",
    received_at=datetime(2022, 10, 31, 1, 40, tzinfo=UTC),
    due_at=datetime(2022, 11, 15, 10, 0, tzinfo=UTC),
    ended_at=None,
    status="đang giải quyết",
    holder_name="Chi cục Thuế khu vực",
    note="-2 ngày",
)
REGISTER = register.Register(
    unit_name="Bộ phận Một cửa huyện Cần Đước",
    from_on=date(2022, 10, 1),
    to_on=date(2022, 10, 31),
    known_until=REPORT.known_until,
    rows=(DOSSIER, replace(DOSSIER, no=2, ended_at=datetime(2022, 11, 14, 20, 0, tzinfo=UTC), status="trước hạn")),
)
LISTING = listing.Listing(
    title="Hồ sơ nộp trực tuyến",
    number="",
    place_name="UBND huyện Cần Đước",
    from_on=date(2022, 10, 1),
    to_on=date(2022, 10, 31),
    known_until=REPORT.known_until,
    heads=("STT", "Đơn vị", "1.1\n(6)", "Xếp loại"),
    widths=(6, 30, 9, 12),
    rows=((1, "=1+1", Decimal("5.63"), "Khá"), (None, "TỔNG CỘNG", 12, None)),
    notes=("Chưa đủ số liệu.",),
)
PRINTS: list[Callable[[], bytes]] = [
    lambda: report06.as_csv(REPORT),
    lambda: report06.as_xlsx(REPORT),
    lambda: register.as_csv(REGISTER),
    lambda: register.as_xlsx(REGISTER),
    lambda: listing.as_csv(LISTING),
    lambda: listing.as_xlsx(LISTING),
]


def sheet_of(content: bytes) -> Worksheet:
    sheet = load_workbook(io.BytesIO(content)).active
    assert isinstance(sheet, Worksheet)
    return sheet


def rows_of(content: bytes) -> list[list[str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def values(sheet: Worksheet, row: int) -> list[object]:
    return [cell.value for cell in sheet[row]]


@pytest.mark.parametrize("as_printed", PRINTS)
def test_the_same_values_give_the_same_bytes(as_printed: Callable[[], bytes]) -> None:
    assert as_printed() == as_printed()


def test_a_worksheet_is_as_old_as_what_it_knows() -> None:
    book = load_workbook(io.BytesIO(report06.as_xlsx(REPORT)))
    assert book.properties.created == REPORT.known_until.replace(tzinfo=None)


def test_form_06_has_its_title_heads_and_column_numbers_at_the_official_places() -> None:
    sheet = sheet_of(report06.as_xlsx(REPORT))
    assert sheet["A1"].value == "Biểu số II.06a/VPCP/KSTT"
    assert str(sheet["C1"].value).startswith("TÌNH HÌNH, KẾT QUẢ GIẢI QUYẾT TTHC")
    assert sheet["C3"].value == "Kỳ báo cáo: từ ngày 01/01/2022 đến ngày 14/11/2022"
    assert sheet["J1"].value == "Đơn vị báo cáo: UBND huyện Cần Đước"
    assert sheet["J3"].value == "Đơn vị nhận báo cáo: Văn phòng UBND tỉnh Long An"
    assert sheet["J5"].value == "Đơn vị tính: số hồ sơ TTHC"
    merged = {str(cells) for cells in sheet.merged_cells.ranges}
    assert {"A6:A8", "B6:B8", "C6:F6", "C7:C8", "D7:E7", "F7:F8", "G6:J6", "K6:M6", "M7:M8"} <= merged
    assert (sheet["B6"].value, sheet["D7"].value, sheet["D8"].value) == ("Đơn vị giải quyết", "Trong kỳ", "Trực tuyến")
    assert values(sheet, 9)[2::4] == ["(3)=(4)+(5)+(6)", "(7)=(8)+(9)+(10)", "(11)=(12)+(13)"]


def test_form_06_has_real_numbers_by_section_and_in_total() -> None:
    sheet = sheet_of(report06.as_xlsx(REPORT))
    two = columns(SMALL + SMALL)
    assert [values(sheet, row) for row in range(10, 16)] == [
        ["A", DISTRICT, *columns(LAND)],
        [1, "Chi nhánh Văn phòng đăng ký đất đai", *columns(LAND)],
        ["B", COMMUNES, *two],
        [1, "=1+1", *columns(SMALL)],
        [2, "UBND xã Long Trạch", *columns(SMALL)],
        [None, "TỔNG CỘNG", *columns(LAND + SMALL + SMALL)],
    ]
    assert sheet["B13"].data_type == "s"
    assert sheet["C15"].number_format == "#,##0"
    assert sheet["C15"].font.name == "Times New Roman"
    assert sheet["C15"].border.left.style == "thin"


def test_form_06_prints_across_a4_with_its_head_on_every_page_and_its_notes_below() -> None:
    sheet = sheet_of(report06.as_xlsx(REPORT))
    assert (sheet.page_setup.orientation, str(sheet.page_setup.paperSize)) == ("landscape", "9")
    assert sheet.page_setup.fitToHeight == 0
    assert (sheet.freeze_panes, sheet.print_title_rows) == ("C10", "$6:$9")
    notes = [sheet.cell(row, 1).value for row in (17, 18, 19)]
    assert notes[0] == "Số liệu theo các sự kiện ghi nhận được đến 08:30 ngày 15/11/2022."
    assert "trước hạn 45,43%; đúng hạn 54,40%; quá hạn 0,17%" in str(notes[1])
    assert notes[2] == REPORT.notes[0]


def test_form_06_as_csv_is_thirteen_columns_that_no_spreadsheet_mistakes() -> None:
    rows = rows_of(report06.as_csv(REPORT))
    assert {len(row) for row in rows} == {13}
    assert rows[0][:3] == ["STT", "Đơn vị giải quyết", "Tiếp nhận: Tổng số"]
    assert rows[1][2:5] == ["3=4+5+6", "4", "5"]
    assert rows[5][1] == "'=1+1"
    assert rows[7][1:3] == ["TỔNG CỘNG", str(45_408 + 14)]
    assert rows[8][1].startswith("Biểu số II.06a/VPCP/KSTT, UBND huyện Cần Đước.")
    assert rows[-1][1] == REPORT.notes[0]


@pytest.mark.parametrize("as_printed", [report06.as_csv, report06.as_xlsx])
def test_a_line_that_does_not_add_up_is_never_printed(as_printed: Callable[[Report06], bytes]) -> None:
    wrong = replace(REPORT, rows=(*REPORT.rows, Row("Xã sai", "X3", Counts(online=1))))
    with pytest.raises(IdentityBroken, match="Xã sai"):
        as_printed(wrong)


def test_an_empty_report_prints_its_total_and_no_shares() -> None:
    sheet = sheet_of(report06.as_xlsx(replace(REPORT, rows=(), grouping=Grouping.FIELD)))
    assert sheet["B6"].value == "Lĩnh vực giải quyết"
    assert values(sheet, 10) == [None, "TỔNG CỘNG", *[0] * 11]
    assert "trước hạn –; đúng hạn –" in str(sheet["A13"].value)


def test_the_register_has_the_official_columns_and_leaves_persons_out() -> None:
    sheet = sheet_of(register.as_xlsx(REGISTER))
    assert (sheet["D1"].value, sheet["M1"].value) == ("SỔ THEO DÕI HỒ SƠ", "Mẫu số 06")
    assert [sheet[c].value for c in ("B5", "E5", "G5", "H5", "H6", "L6", "M5")] == [
        "Mã hồ sơ", "Tên cá nhân, tổ chức", "Cơ quan chủ trì giải quyết", "Ngày, tháng, năm", "Nhận hồ sơ",
        "Ký nhận", "Ghi chú",
    ]  # fmt: skip
    received, due = datetime(2022, 10, 31, 8, 40), datetime(2022, 11, 15, 17, 0)  # noqa: DTZ001
    assert values(sheet, 8) == [
        1, DOSSIER.dossier_code, DOSSIER.procedure_name, 1, None, None, DOSSIER.holder_name, received, due, None,
        None, None, "-2 ngày", DOSSIER.receiving_unit, "đang giải quyết",
    ]  # fmt: skip
    assert sheet["H8"].number_format == "hh:mm dd/mm/yyyy"
    assert "không có dữ liệu cá nhân" in str(sheet["A12"].value)


def test_the_register_as_csv_says_instants_in_local_time() -> None:
    rows = rows_of(register.as_csv(REGISTER))
    assert {len(row) for row in rows} == {15}
    assert rows[2][7:10] == ["2022-10-31 08:40", "2022-11-15 17:00", ""]
    assert rows[3][9] == "2022-11-15 03:00"
    assert rows[2][12] == "'-2 ngày"


@pytest.mark.parametrize("kind", ["report06", "register", "apology"])
def test_the_versions_of_a_form_follow_each_other_without_a_gap(kind: str) -> None:
    versions = forms.versions(kind)
    for earlier, later in pairwise(versions):
        assert earlier.valid_to is not None
        assert (later.valid_from - earlier.valid_to).days == 1
    assert versions[-1].valid_to is None
    with pytest.raises(forms.NoForm):
        forms.form_on(kind, date(2010, 1, 1))


def test_a_listing_has_numbers_as_numbers_and_heads_as_high_as_they_need() -> None:
    sheet = sheet_of(listing.as_xlsx(LISTING))
    assert values(sheet, 6) == [1, "=1+1", 5.63, "Khá"]
    assert values(sheet, 7) == [None, "TỔNG CỘNG", 12, None]
    assert (sheet["C6"].number_format, sheet["C7"].number_format) == ("0.00", "#,##0")
    assert sheet["B7"].font.b
    assert not sheet["B6"].font.b
    assert sheet.row_dimensions[5].height == 30
    assert [sheet.cell(row, 1).value for row in (9, 10)] == [
        "Số liệu theo các sự kiện ghi nhận được đến 08:30 ngày 15/11/2022.", "Chưa đủ số liệu.",
    ]  # fmt: skip


def test_a_listing_as_csv_has_its_notes_below_in_one_column() -> None:
    rows = rows_of(listing.as_csv(LISTING))
    assert rows[:3] == [
        ["STT", "Đơn vị", "1.1 (6)", "Xếp loại"], ["1", "'=1+1", "5.63", "Khá"], ["", "TỔNG CỘNG", "12", ""],
    ]  # fmt: skip
    assert rows[3][1].startswith("Hồ sơ nộp trực tuyến. Kỳ báo cáo: từ ngày 01/10/2022")
    assert {len(row) for row in rows} == {4}
