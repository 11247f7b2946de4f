"""Which form is in force on a day: its number, title and sentences, dated data in forms.json."""

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from shared.errors import DomainError, Text

FORMS = Path(__file__).with_name("forms.json")


class NoForm(DomainError):
    """The form was not in force yet on the day."""

    status = 422
    code = "no_form"
    title = Text("Chưa có mẫu có hiệu lực vào ngày này", "No form was in force on this day")


@dataclass(frozen=True, slots=True)
class Form:
    """One version of a form, in force from *valid_from* to *valid_to*, both inside (None: until further notice)."""

    valid_from: date
    valid_to: date | None
    citation: str
    words: dict[str, str]

    @property
    def source(self) -> str:
        """The line that says where the form comes from."""
        return f"(Ban hành kèm theo {self.citation})"


def form_on(kind: str, day: date) -> Form:
    """Return the version of form *kind* (``report06``, ``register``, ``apology``) in force on *day*; NoForm."""
    for form in versions(kind):
        if form.valid_from <= day and (form.valid_to is None or day <= form.valid_to):
            return form
    first = versions(kind)[0].valid_from
    vi = f"Mẫu có hiệu lực từ ngày {first:%d/%m/%Y}, chưa có vào ngày {day:%d/%m/%Y}"
    raise NoForm(Text(vi, f"The form is in force from {first} on, it was not on {day}"))


@cache
def versions(kind: str) -> tuple[Form, ...]:
    """Return every version of form *kind*, oldest first."""
    rows = json.loads(FORMS.read_text(encoding="utf-8"))[kind]
    return tuple(
        Form(
            date.fromisoformat(row["valid_from"]),
            date.fromisoformat(row["valid_to"]) if "valid_to" in row else None,
            row["citation"],
            row["words"],
        )
        for row in rows
    )
