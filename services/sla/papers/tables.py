"""A table as bytes: CSV that Excel opens with its diacritics, and a worksheet as officers print it."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from textwrap import wrap
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from shared.worktime import LOCAL

Value = str | int | Decimal | datetime | None
Style = dict[str, Any]

FONT: Style = {"font_name": "Times New Roman", "font_size": 11, "valign": "vcenter", "text_wrap": True}
CENTRED: Style = {"align": "center"}
BOLD: Style = {"bold": True}
BOXED: Style = {"border": 1}
NUMBER: Style = {"num_format": "#,##0", "align": "right", "indent": 1, "text_wrap": False}
DECIMAL: Style = {**NUMBER, "num_format": "0.00"}
STYLES: dict[str, Style] = {
    "bold": BOLD,
    "centred": CENTRED,
    "title": {**CENTRED, **BOLD, "font_size": 13},
    "small": {"italic": True, "font_size": 10},
    "unit": {"italic": True, "align": "right"},
    "head": {**BOXED, **CENTRED, **BOLD},
    "column": {**BOXED, **CENTRED, "italic": True, "font_size": 9},
    "text": BOXED,
    "no": {**BOXED, **CENTRED},
    "number": {**BOXED, **NUMBER},
    "decimal": {**BOXED, **DECIMAL},
    "instant": {**BOXED, **CENTRED, "num_format": "hh:mm dd/mm/yyyy"},
    "bold_text": {**BOXED, **BOLD},
    "bold_no": {**BOXED, **CENTRED, **BOLD},
    "bold_number": {**BOXED, **NUMBER, **BOLD},
    "bold_decimal": {**BOXED, **DECIMAL, **BOLD},
}
A4, LINE_POINTS = 9, 15
LETTERS_A_WIDTH = 1.25
"""How many letters of a sentence in FONT stand where one digit of the column's width does; measured on prints."""
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
PLAIN_TEXT = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}


def as_csv(rows: Iterable[Sequence[Value]]) -> bytes:
    """Return *rows* as CSV with commas, UTF-8 with its mark, instants as local ISO 8601 to the minute.

    No text can act as a formula in a spreadsheet, nor a date be read as another one by its locale.
    """
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def bare(numbers: Iterable[str]) -> list[str]:
    """Return the column *numbers* of a form without brackets: a spreadsheet reads ``(4)`` in CSV as minus 4."""
    return [number.replace("(", "").replace(")", "") for number in numbers]


def _cell(value: Value) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(LOCAL):%Y-%m-%d %H:%M}"
    text = "" if value is None else str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA_SIGNS) else text


class Sheet:
    """One worksheet in the making, A4 across, as wide as the paper; texts are never read as formulas.

    *widths* are those of the columns in characters. The bytes depend on what was put in and *made_at* only.
    """

    def __init__(self, name: str, made_at: datetime, widths: Sequence[float]) -> None:
        self._file = io.BytesIO()
        self._book = xlsxwriter.Workbook(self._file, PLAIN_TEXT)
        self._book.set_properties({"title": name, "created": made_at.astimezone(UTC).replace(tzinfo=None)})
        self._styles = {key: self._book.add_format(FONT | style) for key, style in STYLES.items()}
        self._page = self._book.add_worksheet(name)
        self._widths = widths
        for column, width in enumerate(widths):
            self._page.set_column(column, column, width)
        self._set_paper()

    def _set_paper(self) -> None:
        self._page.set_paper(A4)
        self._page.set_landscape()
        self._page.fit_to_pages(1, 0)
        self._page.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        self._page.set_footer('&C&"Times New Roman"&10Trang &P/&N')

    def span(self, cells: str, text: str, style: str) -> None:
        """Put *text* over *cells*, such as ``C6:F6``; a single cell is not merged."""
        if ":" in cells:
            self._page.merge_range(cells, text, self._styles[style])
        else:
            self._page.write(cells, text, self._styles[style])

    def line(self, row: int, values: Sequence[Value], styles: Sequence[str]) -> None:
        """Put *values* into *row* (from 1), as high as its longest text needs; instants show local time."""
        for column, (value, style) in enumerate(zip(values, styles, strict=True)):
            shown = value.astimezone(LOCAL).replace(tzinfo=None) if isinstance(value, datetime) else value
            self._page.write(row - 1, column, shown, self._styles[style])
        texts = [(v, width) for v, width in zip(values, self._widths, strict=True) if isinstance(v, str)]
        self.height(row, LINE_POINTS * max(_n_lines(text, width) for text, width in texts))

    def note(self, row: int, text: str) -> None:
        """Put a sentence over the whole width of *row*, as high as it needs."""
        self.span(f"A{row}:{letter(len(self._widths))}{row}", text, "small")
        self.height(row, LINE_POINTS * _n_lines(text, sum(self._widths)))

    def height(self, row: int, points: float) -> None:
        """Make *row* *points* high."""
        self._page.set_row(row - 1, points)

    def head_until(self, first: int, last: int, columns: int) -> None:
        """Keep the rows up to *last* and the first *columns* in sight; repeat rows *first* to *last* on every page."""
        self._page.freeze_panes(last, columns)
        self._page.repeat_rows(first - 1, last - 1)

    def as_bytes(self) -> bytes:
        """Finish the file; nothing can be put in afterwards."""
        self._book.close()
        return self._file.getvalue()


def letter(column: int) -> str:
    """Return the letters of a *column*, counted from 1: ``C``, ``AB``."""
    return str(xl_col_to_name(column - 1))


def _n_lines(text: str, width: float) -> int:
    letters = int(width * LETTERS_A_WIDTH)
    return sum(1 if len(line) <= letters else len(wrap(line, letters)) for line in text.splitlines()) or 1
