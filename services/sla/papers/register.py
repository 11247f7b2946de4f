"""The register of dossiers (sổ theo dõi hồ sơ) on paper, without anybody's name, as CSV and as a worksheet."""

from dataclasses import dataclass
from datetime import date, datetime

from services.sla.domain.wording import moment
from services.sla.papers import tables
from services.sla.papers.forms import form_on

HEADS = (
    ("A5:A6", "STT"),
    ("B5:B6", "Mã hồ sơ"),
    ("C5:C6", "Tên TTHC"),
    ("D5:D6", "Số lượng hồ sơ (bộ)"),
    ("E5:E6", "Tên cá nhân, tổ chức"),
    ("F5:F6", "Địa chỉ, số điện thoại"),
    ("G5:G6", "Cơ quan chủ trì giải quyết"),
    ("H5:L5", "Ngày, tháng, năm"),
    ("H6", "Nhận hồ sơ"),
    ("I6", "Hẹn trả kết quả"),
    ("J6", "Trả kết quả"),
    ("K6", "Phương thức nhận kết quả"),
    ("L6", "Ký nhận"),
    ("M5:M6", "Ghi chú"),
    ("N5:O5", "Hệ thống ghi thêm"),
    ("N6", "Đơn vị tiếp nhận"),
    ("O6", "Tình trạng"),
)
FLAT = tuple(text for cells, text in HEADS if cells not in ("H5:L5", "N5:O5"))
NUMBERS = tuple(f"({n})" for n in range(1, len(FLAT) + 1))
WIDTHS = (5, 22, 30, 8, 9, 9, 21, 15.5, 15.5, 15.5, 9, 7, 15, 19, 12)
STYLES = (
    "no", "text", "text", "no", "text", "text", "text", "instant", "instant", "instant", "text", "text",
    "text", "text", "no",
)  # fmt: skip
NUMBERS_ROW = 7
LEFT_EMPTY = (
    "Cột (5), (6), (11), (12) để trống: sổ này lập từ dữ liệu theo dõi thời hạn, không có dữ liệu cá nhân; "
    "bộ phận Một cửa bổ sung khi cần in sổ đầy đủ."
)
ENDED = "Cột (10) ghi thời điểm kết thúc giải quyết hồ sơ."


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """One dossier; *status*, *note* and all names are as officers read them.

    *ended_at* is when processing ended (None: not yet), *holder_name* the agency that has the dossier or had it last.
    """

    no: int
    dossier_code: str
    procedure_name: str
    receiving_unit: str
    received_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    status: str
    holder_name: str
    note: str = ""
    n_dossiers: int = 1


@dataclass(frozen=True, slots=True)
class Register:
    """The register of *unit_name* over a period of local dates, both inside it, as known at *known_until*."""

    unit_name: str
    from_on: date
    to_on: date
    known_until: datetime
    rows: tuple[RegisterRow, ...]
    notes: tuple[str, ...] = ()


def as_csv(register: Register) -> bytes:
    """Return the register as CSV: heads, column numbers, dossiers, notes."""
    form = form_on("register", register.to_on)
    what = f"{form.words['number']}, {register.unit_name}. {_period(register)}."
    notes = [("", note, *[""] * (len(FLAT) - 2)) for note in (what, *_notes(register))]
    return tables.as_csv([FLAT, tables.bare(NUMBERS), *(_values(row) for row in register.rows), *notes])


def as_xlsx(register: Register) -> bytes:
    """Return the register as a workbook in the layout of the form in force at the end of the period."""
    sheet = tables.Sheet("Sổ theo dõi hồ sơ", register.known_until, WIDTHS)
    _title(sheet, register)
    for cells, text in HEADS:
        sheet.span(cells, text, "head")
    sheet.height(6, 50)
    sheet.line(NUMBERS_ROW, NUMBERS, ["column"] * len(NUMBERS))
    sheet.head_until(5, NUMBERS_ROW, 2)
    row = NUMBERS_ROW
    for row, dossier in enumerate(register.rows, start=NUMBERS_ROW + 1):
        sheet.line(row, _values(dossier), STYLES)
    for below, note in enumerate(_notes(register), start=row + 2):
        sheet.note(below, note)
    return sheet.as_bytes()


def _values(row: RegisterRow) -> tuple[tables.Value, ...]:
    dates = (row.received_at, row.due_at, row.ended_at)
    file = (row.no, row.dossier_code, row.procedure_name, row.n_dossiers, None, None, row.holder_name)
    return (*file, *dates, None, None, row.note, row.receiving_unit, row.status)


def _notes(register: Register) -> list[str]:
    until = f"Số liệu theo các sự kiện ghi nhận được đến {moment(register.known_until)}."
    return [until, LEFT_EMPTY, ENDED, *register.notes]


def _title(sheet: tables.Sheet, register: Register) -> None:
    form = form_on("register", register.to_on)
    sheet.span("A1:C1", register.unit_name, "bold")
    sheet.span("D1:L1", form.words["title"], "title")
    sheet.span("M1:O1", form.words["number"], "bold")
    sheet.span("D2:L2", _period(register), "centred")
    sheet.span("M2:O2", form.source, "small")
    sheet.height(1, 34)
    sheet.height(2, 30)


def _period(register: Register) -> str:
    return f"Hồ sơ tiếp nhận từ ngày {register.from_on:%d/%m/%Y} đến ngày {register.to_on:%d/%m/%Y}"
