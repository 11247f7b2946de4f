"""The circuit breaker of one system: after failures in a row leasing pauses, then one delivery at a time is tried."""

import time
from collections.abc import Callable
from enum import IntEnum

from services.workflow.adapters.port import Answer

FAILURES = frozenset({Answer.NO_EFFECT, Answer.UNKNOWN})


class Circuit(IntEnum):
    """Where the breaker stands; the number is what the gauge shows."""

    CLOSED = 0
    TRYING = 1
    """One at a time, until one is taken."""
    OPEN = 2
    """Pausing."""


class Breaker:
    """Counts failures in a row; a refusal is an answer, so it ends the row, but only *taken* closes the breaker."""

    def __init__(
        self, most: int, first_seconds: float, longest_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._first = first_seconds
        self._longest = longest_seconds
        self._clock = clock
        self._n_failures = 0
        self._pause = 0.0
        self._until: float | None = None

    @property
    def state(self) -> Circuit:
        """Return where it stands now."""
        if self._until is None:
            return Circuit.CLOSED
        return Circuit.OPEN if self._clock() < self._until else Circuit.TRYING

    def room(self, n_wanted: int, n_running: int) -> int:
        """Return how many more deliveries may be leased now."""
        match self.state:
            case Circuit.CLOSED:
                return n_wanted
            case Circuit.TRYING:
                return min(n_wanted, 1) if n_running == 0 else 0
            case Circuit.OPEN:
                return 0

    def note(self, answer: Answer) -> None:
        """Count what came of a delivery."""
        if answer is Answer.TAKEN:
            self._n_failures, self._pause, self._until = 0, 0.0, None
        elif answer not in FAILURES:
            self._n_failures = 0
        elif self.state is not Circuit.OPEN:  # what was on its way when it opened says nothing new
            self._n_failures += 1
            if self.state is Circuit.TRYING or self._n_failures >= self._most:
                self._pause = min(max(self._pause * 2, self._first), self._longest)
                self._until = self._clock() + self._pause
