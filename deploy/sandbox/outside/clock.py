"""The clock of one outside system: the real one or that of the demo, plus the error a fault switch gives it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass
class Clock:
    """``now()`` = *start* + (real time - *real_start*) × *speed* + *error*; not before *start*."""

    start: datetime | None = None
    real_start: datetime | None = None
    speed: float = 1.0
    error: timedelta = timedelta()

    @classmethod
    def read(cls, text: str) -> "Clock":
        """Read ``<start>@<real start>x<speed>``, the form of LIENTHONG_CLOCK; an empty text is the real clock."""
        if not text:
            return cls()
        instants, _, speed = text.rpartition("x")
        start, _, real_start = instants.partition("@")
        return cls(datetime.fromisoformat(start), datetime.fromisoformat(real_start), float(speed))

    def now(self) -> datetime:
        """Return what this system believes the time to be (aware, UTC, whole milliseconds)."""
        believed = self.true() + self.error
        return believed.replace(microsecond=believed.microsecond // 1000 * 1000)

    def true(self) -> datetime:
        """Return the time without the error, for the log that a checker reads."""
        real = datetime.now(UTC)
        if self.start is None or self.real_start is None:
            return real
        return (self.start + max(real - self.real_start, timedelta()) * self.speed).astimezone(UTC)


def iso(instant: datetime) -> str:
    """Write an instant as ISO 8601 in UTC."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
