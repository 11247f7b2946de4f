"""Agencies of an invented province."""

from typing import Any

from shared.events.reference import Agency

BASE: dict[str, Any] = {
    "version": 1,
    "valid_from": "2018-01-01",
    "name": "-",
    "kind": "other",
    "level": "commune",
    "calendar_code": "VN",
}


def agency(code: str, **more: Any) -> Agency:
    """Return an agency that is in force since 2018, unless *more* says otherwise."""
    return Agency.model_validate({**BASE, "code": code, **more})


def unit(code: str, **more: Any) -> Agency:
    """Return a unit that receives dossiers."""
    return agency(code, kind="one_stop_unit", dossier_code_prefix=code, **more)
