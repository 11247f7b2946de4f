"""Form 06 on paper: CSV of its 13 columns, and the worksheet in the official layout."""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from services.sla.domain.report06 import Counts, Grouping, Report06, check, columns
from services.sla.domain.wording import moment
from services.sla.papers import tables
from services.sla.papers.forms import form_on

OF_ROWS = {Grouping.AGENCY: "Đơn vị giải quyết", Grouping.FIELD: "Lĩnh vực giải quyết"}
TOTAL = "TỔNG CỘNG"
HEADS = (
    ("A6:A8", "STT"),
    ("C6:F6", "Số lượng hồ sơ tiếp nhận"),
    ("C7:C8", "Tổng số"),
    ("D7:E7", "Trong kỳ"),
    ("D8", "Trực tuyến"),
    ("E8", "Trực tiếp, dịch vụ bưu chính"),
    ("F7:F8", "Từ kỳ trước"),
    ("G6:J6", "Số lượng hồ sơ đã giải quyết"),
    ("G7:G8", "Tổng số"),
    ("H7:H8", "Trước hạn"),
    ("I7:I8", "Đúng hạn"),
    ("J7:J8", "Quá hạn"),
    ("K6:M6", "Số lượng hồ sơ đang giải quyết"),
    ("K7:K8", "Tổng số"),
    ("L7:L8", "Trong hạn"),
    ("M7:M8", "Quá hạn"),
)
OF_ROWS_CELLS = "B6:B8"
FLAT = (
    "Tiếp nhận: Tổng số",
    "Tiếp nhận trong kỳ: Trực tuyến",
    "Tiếp nhận trong kỳ: Trực tiếp, dịch vụ bưu chính",
    "Tiếp nhận: Từ kỳ trước",
    "Đã giải quyết: Tổng số",
    "Đã giải quyết: Trước hạn",
    "Đã giải quyết: Đúng hạn",
    "Đã giải quyết: Quá hạn",
    "Đang giải quyết: Tổng số",
    "Đang giải quyết: Trong hạn",
    "Đang giải quyết: Quá hạn",
)
NUMBERS = (
    "(1)", "(2)", "(3)=(4)+(5)+(6)", "(4)", "(5)", "(6)", "(7)=(8)+(9)+(10)", "(8)", "(9)", "(10)",
    "(11)=(12)+(13)", "(12)", "(13)",
)  # fmt: skip
WIDTHS = (6, 36, 12.5, 10, 12, 10, 12.5, 10, 10, 10, 12.5, 10, 10)
NUMBERS_ROW = 9
PLAIN = ("no", "text", *["number"] * 11)
STRONG = ("bold_no", "bold_text", *["bold_number"] * 11)


class Line(NamedTuple):
    """One line of the table: the 13 columns, and whether it stands out."""

    values: tuple[str | int, ...]
    is_strong: bool


def as_csv(report: Report06) -> bytes:
    """Return the report as CSV: heads, column numbers, lines, notes; IdentityBroken if a line does not add up."""
    head = ("STT", OF_ROWS[report.grouping], *FLAT)
    form = form_on("report06", report.to_on)
    what = f"{form.words['number']}, {report.place_name}. {_period(report)}."
    notes = [("", note, *[""] * len(FLAT)) for note in (what, *notes_of(report))]
    return tables.as_csv([head, tables.bare(NUMBERS), *(line.values for line in lines_of(report)), *notes])


def as_xlsx(report: Report06) -> bytes:
    """Return the report as a workbook in the layout of the form; IdentityBroken if a line does not add up."""
    sheet = tables.Sheet("Biểu 06a", report.known_until, WIDTHS)
    _title(sheet, report)
    _head(sheet, report.grouping)
    row = NUMBERS_ROW
    for row, line in enumerate(lines_of(report), start=NUMBERS_ROW + 1):
        sheet.line(row, line.values, STRONG if line.is_strong else PLAIN)
    for below, note in enumerate(notes_of(report), start=row + 2):
        sheet.note(below, note)
    return sheet.as_bytes()


def lines_of(report: Report06) -> Iterator[Line]:
    """Yield the lines between the head and the notes, each checked; the total comes last."""
    for section in report.sections:
        if section.label:
            yield _line(section.letter, section.label, section.subtotal, is_strong=True)
        for no, row in enumerate(section.rows, start=1):
            yield _line(no, row.label, row.counts)
    yield _line("", TOTAL, report.total, is_strong=True)


def _line(no: str | int, label: str, counts: Counts, *, is_strong: bool = False) -> Line:
    check(counts, label)
    return Line((no, label, *columns(counts)), is_strong)


def notes_of(report: Report06) -> list[str]:
    """Return what a reader has to know: until when facts were counted, the shares, what is missing."""
    total = report.total
    return [
        f"Số liệu theo các sự kiện ghi nhận được đến {moment(report.known_until)}.",
        f"Tỷ lệ trên số hồ sơ đã giải quyết: trước hạn {_percent(total.early_percent)}; "
        f"đúng hạn {_percent(total.on_time_percent)}; quá hạn {_percent(total.late_percent)}. "
        f"Trực tuyến trên số hồ sơ tiếp nhận trong kỳ: {_percent(total.online_percent)}.",
        *report.notes,
    ]


def _percent(share: Decimal | None) -> str:
    return "–" if share is None else f"{share}%".replace(".", ",")


def _title(sheet: tables.Sheet, report: Report06) -> None:
    form = form_on("report06", report.to_on)
    sheet.span("A1:B2", form.words["number"], "bold")
    sheet.span("A3:B3", form.source, "small")
    sheet.span("C1:I2", form.words["title"], "title")
    sheet.span("C3:I3", _period(report), "centred")
    sheet.span("J1:M2", f"Đơn vị báo cáo: {report.place_name}", "bold")
    sheet.span("J3:M4", f"Đơn vị nhận báo cáo: {report.receiving_unit or '………………'}", "bold")
    sheet.span("J5:M5", "Đơn vị tính: số hồ sơ TTHC", "unit")
    for row in (1, 2, 3, 4):
        sheet.height(row, 20)


def _head(sheet: tables.Sheet, grouping: Grouping) -> None:
    for cells, text in (*HEADS, (OF_ROWS_CELLS, OF_ROWS[grouping])):
        sheet.span(cells, text, "head")
    for row, points in ((6, 20), (7, 20), (8, 46)):
        sheet.height(row, points)
    sheet.line(NUMBERS_ROW, NUMBERS, ["column"] * len(NUMBERS))
    sheet.head_until(6, NUMBERS_ROW, 2)


def _period(report: Report06) -> str:
    return f"Kỳ báo cáo: từ ngày {report.from_on:%d/%m/%Y} đến ngày {report.to_on:%d/%m/%Y}"
