"""Which form is in force on a day: its number, title and sentences, dated data in forms.json."""

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

FORMS = Path(__file__).with_name("forms.json")


class NoForm(LookupError):
    """No version of the form is known for the day."""


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
    """Return the version of form *kind* (``report06``, ``register``, ``apology``) in force on *day*."""
    for form in versions(kind):
        if form.valid_from <= day and (form.valid_to is None or day <= form.valid_to):
            return form
    raise NoForm(f"no form {kind} is known for {day:%d/%m/%Y}")


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
