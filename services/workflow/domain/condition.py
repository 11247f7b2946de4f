"""Conditions of routes: CEL over what is known of a dossier and is not personal."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import cel

VARIABLES = frozenset(
    {
        "applicant_kind",
        "attributes",
        "channel",
        "outcome",
        "outcomes",
        "procedure_code",
        "receiving_unit_code",
        "result_delivery",
    }
)
"""``outcome`` is that of the leg just completed ("" at the start), ``outcomes`` the last one of every leg."""

CHANNELS = ("online", "counter", "post")


@cache
def compiled(expression: str) -> cel.Program:
    """Return the program of *expression*; ValueError if it does not parse."""
    return cel.compile(expression)


def holds(expression: str, case: Mapping[str, Any]) -> bool:
    """Say whether *expression* is true of *case*; what can not be evaluated is not fulfilled, so that this is total."""
    try:
        return compiled(expression).execute(dict(case)) is True
    except (KeyError, RuntimeError, TypeError, ValueError):
        return False


def check(expression: str) -> None:
    """Raise ValueError unless *expression* compiles, knows its variables and is a boolean without attributes."""
    unknown = set(compiled(expression).variables()) - VARIABLES
    if unknown:
        raise ValueError(f"condition {expression!r} uses unknown {sorted(unknown)}")
    for channel in CHANNELS:
        try:
            value = compiled(expression).execute(bare(channel))
        except (KeyError, RuntimeError, TypeError) as error:
            raise ValueError(f"condition {expression!r} fails without attributes ({error}): use has()") from error
        if not isinstance(value, bool):
            raise ValueError(f"condition {expression!r} is not a boolean")  # noqa: TRY004 - pydantic reads ValueError


def bare(channel: str) -> dict[str, Any]:
    """Return the case of a dossier of which only the channel is known."""
    texts = dict.fromkeys(VARIABLES - {"attributes", "outcomes"}, "")
    return {**texts, "channel": channel, "attributes": {}, "outcomes": {}}
