"""Make the sample province's calendars: seeded by the `holidays` package, under an override table that wins.

Run ``python -m deploy.province.make_calendars`` after a change; a test compares the files with its output.
"""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import holidays

from shared.worktime import TO_BE_CONFIRMED, CalendarData
from shared.worktime.data import WEEKDAYS

FOLDER = Path(__file__).parent / "calendars"
YEARS = range(2018, 2028)
VERSION = 1

_CODE_2012 = "Bộ luật Lao động 10/2012/QH13, Điều 115"
_CODE_2019 = "Bộ luật Lao động 45/2019/QH14, Điều 112"
_CULTURE_DAY = ("Ngày Văn hóa Việt Nam", "Vietnam Culture Day")
_SWAP = ("Làm việc bù cho ngày {:%d/%m/%Y}", "Worked in place of {}")
_OFFICE_HOURS = [["07:30", "11:30"], ["13:30", "17:00"]]
_WEEKDAY_HOURS = dict.fromkeys(WEEKDAYS[:5], _OFFICE_HOURS)


class Swap(NamedTuple):
    """A day off, made up for on a Saturday, by the decision *document*."""

    off: date
    worked: date
    document: str


# The documents of 2018 and 2024 are those the `holidays` package refers to; that of 2025 likewise.
SWAPS = (
    Swap(date(2018, 12, 31), date(2019, 1, 5), "6519/VPCP-KGVX (2018)"),
    Swap(date(2019, 4, 29), date(2019, 5, 4), "6519/VPCP-KGVX (2018)"),
    Swap(date(2024, 4, 29), date(2024, 5, 4), "2450/VPCP-KGVX (2024)"),
    Swap(date(2025, 5, 2), date(2025, 4, 26), "6150/TB-BLĐTBXH (2024)"),
    Swap(date(2026, 1, 2), date(2026, 1, 10), TO_BE_CONFIRMED),
    Swap(date(2026, 8, 31), date(2026, 8, 22), TO_BE_CONFIRMED),
)

# Worked though the package has them off: 24/11 rests on a resolution only. To switch it off, remove its row.
WORKED = {date(2026, 11, 24): TO_BE_CONFIRMED, date(2027, 11, 24): TO_BE_CONFIRMED}


def overrides() -> list[dict[str, Any]]:
    """Return the days that differ from their weekday, in order: seed, then swaps and exceptions over it."""
    days = _seed()
    for swap in SWAPS:
        off = {
            "name": f"Nghỉ, làm bù ngày {swap.worked:%d/%m/%Y}",
            "name_en": f"Off, made up for on {swap.worked}",
        }
        days[swap.off] = {"kind": "off", "document": swap.document, **off}
        names = {"name": _SWAP[0].format(swap.off), "name_en": _SWAP[1].format(swap.off)}
        like = WEEKDAYS[swap.off.weekday()]
        days[swap.worked] = {"kind": "worked", "like_weekday": like, "document": swap.document, **names}
    for on, document in WORKED.items():
        days[on] = {
            "kind": "worked",
            "document": document,
            "name": _CULTURE_DAY[0],
            "name_en": _CULTURE_DAY[1],
        }
    return [{"date": on.isoformat(), **days[on]} for on in sorted(days)]


def _seed() -> dict[date, dict[str, Any]]:
    vi, en = (holidays.country_holidays("VN", years=YEARS, language=language) for language in ("vi", "en_US"))
    return {
        on: {"kind": "off", "document": _code(on), "name": _tidy(name), "name_en": _tidy(en[on])}
        for on, name in vi.items()
        if on.year in YEARS
    }


def _code(on: date) -> str:
    law = _CODE_2012 if on.year < 2021 else _CODE_2019
    return law if on.year < 2027 else f"{law}; {TO_BE_CONFIRMED}"


def _tidy(name: str) -> str:
    return re.sub(r"\s+", " ", name).strip()


def calendars() -> dict[str, CalendarData]:
    """Return the calendars by code: VN, and VN-T7 that also receives on Saturday mornings."""
    common: dict[str, Any] = {
        "version": VERSION,
        "covers_from": date(YEARS.start, 1, 1),
        "covers_to": date(YEARS.stop - 1, 12, 31),
        "provisional_from": date(2027, 1, 1),
        "forwarding_until": "15:00",
        "hours": [
            {
                "valid_from": date(YEARS.start, 1, 1),
                "week": _WEEKDAY_HOURS,
                "citation": f"Giờ làm việc của đơn vị ({TO_BE_CONFIRMED})",
            }
        ],
        "overrides": overrides(),
    }
    saturday = {
        "valid_from": date(YEARS.start, 1, 1),
        "week": {"sat": [["07:30", "11:30"]]},
        "citation": "14/2010/QĐ-TTg",
    }
    return {
        "VN": CalendarData.model_validate({"code": "VN", **common}),
        "VN-T7": CalendarData.model_validate({"code": "VN-T7", **common, "reception": [saturday]}),
    }


def rendered(data: CalendarData) -> str:
    """Return the file's text: JSON, one override a line, so that a change reads as a change."""
    body = data.model_dump(mode="json", exclude_defaults=True)
    lines = [f"    {json.dumps(row, ensure_ascii=False)}" for row in body.pop("overrides")]
    head = json.dumps(body, ensure_ascii=False, indent=2).removesuffix("\n}")
    head = re.sub(r"\[[][\s\",0-9:]+\]", lambda times: json.dumps(json.loads(times[0])), head)
    return head + ',\n  "overrides": [\n' + ",\n".join(lines) + "\n  ]\n}\n"


def main() -> None:
    """Write every calendar into its file."""
    FOLDER.mkdir(exist_ok=True)
    for code, data in calendars().items():
        path = FOLDER / f"{code}.json"
        path.write_text(rendered(data), encoding="utf-8")
        print(f"{path.name}: {len(data.overrides)} days of their own, {data.covers_from} to {data.covers_to}")


if __name__ == "__main__":
    main()
