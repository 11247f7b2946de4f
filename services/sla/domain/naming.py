"""Under which name something stands in a report: the one it had in the period."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple


class Name(NamedTuple):
    """A name, and the day from which it is the one."""

    from_on: date
    name: str


def label(code: str, names: Sequence[Name], from_on: date, to_on: date) -> str:
    """Return the name in force at the end of a period; if it changed within, also those before; *code* without any.

    What has ended keeps the last name it had.
    """
    begun = sorted(name for name in names if name.from_on <= to_on)
    if not begun:
        return code
    before = [one for one in begun if one.from_on <= from_on][-1:]
    here = [*before, *(one for one in begun if one.from_on > from_on)]
    former = [
        f"đến {_day_before(following.from_on)}: {one.name}"
        for one, following in pairwise(here)
        if one.name != following.name
    ]
    last = begun[-1].name
    return f"{last} ({'; '.join(former)})" if former else last


def _day_before(day: date) -> str:
    return f"{date.fromordinal(day.toordinal() - 1):%d/%m/%Y}"
