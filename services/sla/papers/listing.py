"""A report without an official form on paper: title, period, one table, notes; as CSV and as a worksheet."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from services.sla.domain.wording import moment
from services.sla.papers import tables

HEAD_ROW, NAMES = 5, 1
STYLE_OF = {str: "text", int: "number", Decimal: "decimal", datetime: "instant", type(None): "text"}


@dataclass(frozen=True, slots=True)
class Listing:
    """A table of one period of local dates, both inside; the last row is the total if it *is_totalled*."""

    title: str
    number: str
    """The form or the document it follows; may be empty."""
    place_name: str
    from_on: date
    to_on: date
    known_until: datetime
    heads: tuple[str, ...]
    widths: tuple[float, ...]
    rows: tuple[tuple[tables.Value, ...], ...]
    notes: tuple[str, ...] = ()
    is_totalled: bool = True


def as_csv(listing: Listing) -> bytes:
    """Return the table as CSV: heads, rows, notes."""
    heads = [head.replace("\n", " ") for head in listing.heads]
    notes = [
        ("", note, *[""] * (len(heads) - 2)) for note in (f"{listing.title}. {_period(listing)}.", *_notes(listing))
    ]
    return tables.as_csv([heads, *listing.rows, *notes])


def as_xlsx(listing: Listing) -> bytes:
    """Return the table as a workbook."""
    sheet = tables.Sheet("Báo cáo", listing.known_until, listing.widths)
    _title(sheet, listing)
    sheet.line(HEAD_ROW, listing.heads, ["head"] * len(listing.heads))
    sheet.head_until(HEAD_ROW, HEAD_ROW, 2)
    last = HEAD_ROW + len(listing.rows)
    for row, values in enumerate(listing.rows, start=HEAD_ROW + 1):
        is_strong = listing.is_totalled and row == last
        sheet.line(row, values, [_style(column, value, is_strong=is_strong) for column, value in enumerate(values)])
    for below, note in enumerate(_notes(listing), start=last + 2):
        sheet.note(below, note)
    return sheet.as_bytes()


def _style(column: int, value: tables.Value, *, is_strong: bool) -> str:
    """Centre what is no number, but for the names in the second column."""
    kind = "no" if column != NAMES and (column == 0 or isinstance(value, str)) else STYLE_OF[type(value)]
    return f"bold_{kind}" if is_strong else kind


def _title(sheet: tables.Sheet, listing: Listing) -> None:
    last = tables.letter(len(listing.widths))
    sheet.span("A1:B1", listing.place_name, "bold")
    sheet.span(f"C1:{last}1", listing.number, "small")
    sheet.span(f"A2:{last}2", listing.title.upper(), "title")
    sheet.span(f"A3:{last}3", _period(listing), "centred")
    sheet.height(1, 30)
    sheet.height(2, 24)


def _period(listing: Listing) -> str:
    return f"Kỳ báo cáo: từ ngày {listing.from_on:%d/%m/%Y} đến ngày {listing.to_on:%d/%m/%Y}"


def _notes(listing: Listing) -> list[str]:
    return [f"Số liệu theo các sự kiện ghi nhận được đến {moment(listing.known_until)}.", *listing.notes]
