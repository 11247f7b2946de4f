"""Form 04 on paper: the apology of an agency that is late, with the new date it promises, once; nobody's name."""

import io
import json
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import segno
import typst

from services.sla.domain.wording import moment
from services.sla.papers.forms import Form, form_on
from shared.worktime import LOCAL, local_date

TEMPLATE = Path(__file__).with_name("apology.typ")
NO_NUMBER = "…………"


@dataclass(frozen=True, slots=True)
class Apology:
    """What form 04 says; the form in force on the local date of *issued_at* says it.

    *late_working_days* have passed since *due_at* (0: it is still ahead). *new_due_at* None: a further apology,
    which promises nothing, since there is one re-appointment only (rules.md §1, no. 8). *reason* is the officer's
    text and must name nobody. *superior_name* stands over the agency's; *number* empty: left to be filled in.
    """

    agency_name: str
    place: str
    issued_at: datetime
    dossier_code: str
    procedure_name: str
    received_at: datetime
    due_at: datetime
    reason: str
    late_working_days: int = 0
    new_due_at: datetime | None = None
    number: str = ""
    superior_name: str = ""


def as_pdf(apology: Apology) -> bytes:
    """Return the apology as one PDF with the QR of the dossier code; the same apology gives the same bytes."""
    inputs = {
        "letter": json.dumps(_letter(apology), ensure_ascii=False),
        "qr": qr_svg(apology.dossier_code),
    }
    return typst.compile(
        _template(),
        format="pdf",
        sys_inputs=inputs,
        ignore_system_fonts=True,
        timestamp=apology.issued_at.astimezone(LOCAL).replace(microsecond=0),
    )


def qr_svg(code: str) -> str:
    """Return the QR of *code* as SVG, readable with an eighth of it spoilt (level M)."""
    out = io.BytesIO()
    segno.make_qr(code, error="m").save(out, kind="svg", border=2, xmldecl=False, nl=False)
    return out.getvalue().decode()


def paragraphs_of(apology: Apology) -> list[tuple[str, bool]]:
    """Return the sentences between address and signature, each with whether it stands out."""
    words, said = _form(apology).words, _said(apology)
    delay = "late" if apology.late_working_days else "expected"
    promise = "promise" if apology.new_due_at else "without_promise"
    keys = ("received", "code", "appointment", delay, "reason", "sorry", promise, "closing")
    return [(words[key].format_map(said), key == "promise") for key in keys]


def _letter(apology: Apology) -> dict[str, Any]:
    form, on = _form(apology), local_date(apology.issued_at)
    title = form.words["title" if apology.new_due_at else "title_without_promise"]
    return {
        "paper": form.words["paper"],
        "title": title,
        "agency": apology.agency_name,
        "superior": apology.superior_name,
        "number": apology.number or NO_NUMBER,
        "dated": f"{apology.place}, {_dated(on)}",
        "made_on": {"year": on.year, "month": on.month, "day": on.day},
        "code": apology.dossier_code,
        "addressee": form.words["addressee"].format(code=apology.dossier_code),
        "paragraphs": [{"text": text, "is_strong": is_strong} for text, is_strong in paragraphs_of(apology)],
        "source": f"{form.words['number']} {form.source}",
    }


def _dated(on: date) -> str:
    """Say a date as official papers do: the months 1 and 2 have two digits, the others as many as they need."""
    month = f"{on.month:02}" if on.month <= 2 else str(on.month)
    return f"ngày {on:%d} tháng {month} năm {on.year}"


def _said(apology: Apology) -> dict[str, str]:
    return {
        "agency": apology.agency_name,
        "code": apology.dossier_code,
        "procedure": apology.procedure_name.strip(" .;"),
        "received_on": f"{apology.received_at.astimezone(LOCAL):%d/%m/%Y}",
        "received": moment(apology.received_at),
        "due": moment(apology.due_at),
        "new_due": moment(apology.new_due_at) if apology.new_due_at else "",
        "days": str(apology.late_working_days),
        "reason": apology.reason.strip(" .;"),
    }


def _form(apology: Apology) -> Form:
    return form_on("apology", local_date(apology.issued_at))


@cache
def _template() -> bytes:
    return TEMPLATE.read_bytes()
