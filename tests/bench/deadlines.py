"""Deadlines per second in one process: whole working days, the quote of every acceptance."""

import json
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from shared.worktime import Calendar, CalendarData, Limit, Span, Unit, due_at
from tests.bench.table import Row
from tests.support import PROVINCE

N = 100_000


def measure(runs: int, share: float) -> list[Row]:
    """Return the rates."""
    data = json.loads((PROVINCE / "calendars" / "VN.json").read_text())
    calendar = Calendar(CalendarData.model_validate(data[0] if isinstance(data, list) else data))
    generator = random.Random(1)
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    received = [begin + timedelta(minutes=generator.randrange(900_000)) for _ in range(int(N * share))]
    few = received[: len(received) // 10]
    limits = [Limit(amount=Decimal(n), unit=Unit.WORKING_DAYS) for n in (3, 5, 8, 10)]
    part = Limit(amount=Decimal("3.5"), unit=Unit.WORKING_DAYS)
    spans = [(at, [Span(at + timedelta(days=2), at + timedelta(days=4))]) for at in few]
    works: list[tuple[str, Callable[[], object], int, str]] = [
        ("whole working days", lambda: [due_at(at, limits[k % 4], calendar) for k, at in enumerate(received)],
         len(received), "≥ 200,000"),
        ("3.5 days from the moment", lambda: [due_at(at, part, calendar, from_moment=True) for at in few],
         len(few), "–"),
        ("8 days around one excluded span", lambda: [due_at(at, limits[2], calendar, span) for at, span in spans],
         len(few), "–"),
    ]  # fmt: skip
    return [Row(f"deadlines/s, {what}", [_rate(work, n) for _ in range(runs)], aim=aim) for what, work, n, aim in works]


def _rate(work: Callable[[], object], n: int) -> float:
    began = time.perf_counter()
    work()
    return n / (time.perf_counter() - began)
