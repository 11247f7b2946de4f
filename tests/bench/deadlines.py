"""Deadlines per second in one process: whole working days, the quote of every acceptance."""

import json
import random
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median

from shared.worktime import Calendar, CalendarData, Limit, Span, Unit, due_at
from tests.support import PROVINCE

N = 100_000


def main(runs: int) -> None:
    """Print the rates."""
    data = json.loads((PROVINCE / "calendars" / "VN.json").read_text())
    calendar = Calendar(CalendarData.model_validate(data[0] if isinstance(data, list) else data))
    generator = random.Random(1)
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    received = [begin + timedelta(minutes=generator.randrange(900_000)) for _ in range(N)]
    limits = [Limit(amount=Decimal(n), unit=Unit.WORKING_DAYS) for n in (3, 5, 8, 10)]
    part = Limit(amount=Decimal("3.5"), unit=Unit.WORKING_DAYS)
    spans = [[Span(at + timedelta(days=2), at + timedelta(days=4))] for at in received[: N // 10]]
    print(f"| deadlines in one process | per second, median of {runs} |\n|---|---|")
    for name, work, n in (
        ("whole working days", lambda: [due_at(at, limits[k % 4], calendar) for k, at in enumerate(received)], N),
        ("3.5 days from the moment", lambda: [due_at(at, part, calendar, from_moment=True) for at in received], N),
        (
            "8 days around one excluded span",
            lambda: [due_at(at, limits[2], calendar, span) for at, span in zip(received, spans, strict=False)],
            N // 10,
        ),
    ):
        print(f"| {name} | {median(_rate(work, n) for _ in range(runs)):,.0f} |")


def _rate(work: object, n: int) -> float:
    began = time.perf_counter()
    work()  # type: ignore[operator]
    return n / (time.perf_counter() - began)
