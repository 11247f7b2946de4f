"""The one place that says what time it is: the real clock or, in local mode, one with its own start and speed."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_FORM = re.compile(r"^(?P<start>[^@]+)@(?P<real>[^x]+)x(?P<speed>[0-9.]+)$")


@dataclass(frozen=True)
class Clock:
    """``now()`` = *start* + (real time - *real_start*) × *speed*; the default is the real clock.

    Before *real_start* it stands at *start*, so that a system can be brought up before its first day begins.

    Business instants come from here. Tokens, leases and time-outs keep real time.
    """

    start: datetime | None = None
    real_start: datetime | None = None
    speed: float = 1.0

    @classmethod
    def parse(cls, text: str) -> "Clock":
        """Read ``<start>@<real start>x<speed>`` (RFC 3339 instants); an empty text is the real clock."""
        if not text:
            return cls()
        match = _FORM.match(text)
        if not match:
            msg = f"not a clock: {text!r}, expected <start>@<real start>x<speed>"
            raise ValueError(msg)
        start, real = (datetime.fromisoformat(match[name]) for name in ("start", "real"))
        if start.tzinfo is None or real.tzinfo is None:
            msg = "the instants of a clock need an offset"
            raise ValueError(msg)
        return cls(start, real, float(match["speed"]))

    def now(self) -> datetime:
        """Return the present instant (aware, UTC)."""
        real = datetime.now(UTC)
        if self.start is None or self.real_start is None:
            return real
        return (self.start + max(real - self.real_start, timedelta()) * self.speed).astimezone(UTC)

    def real_seconds(self, length: timedelta) -> float:
        """Return how many real seconds *length* takes on this clock."""
        return length.total_seconds() / self.speed
