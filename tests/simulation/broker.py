"""A broker that may do everything a broker can do wrong: lose, repeat, delay, swap, spoil, forget."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from shared.timeline import Event


class Fate(StrEnum):
    """What becomes of one message that is sent."""

    KEPT = "kept"
    LOST = "acknowledged but lost"
    UNKNOWN = "kept but not acknowledged"
    REFUSED = "neither kept nor acknowledged"
    TWICE = "kept twice"
    LATE = "acknowledged but kept only later"
    SPOILED = "kept with other data"


_ACKED = {Fate.KEPT, Fate.LOST, Fate.TWICE, Fate.LATE, Fate.SPOILED}


@dataclass
class Broker:
    """One log; each reader has an offset that it commits by itself."""

    log: list[Event] = field(default_factory=list)
    late: list[Event] = field(default_factory=list)
    offsets: dict[str, int] = field(default_factory=dict)
    sent: set[UUID] = field(default_factory=set)
    """The ids of all events that were ever handed to the broker."""

    def send(self, event: Event, fate: Fate) -> bool:
        """Take one message and say whether it is acknowledged."""
        self.sent.add(event.id)
        copies = {Fate.LOST: 0, Fate.REFUSED: 0, Fate.LATE: 0, Fate.TWICE: 2}.get(fate, 1)
        kept = event._replace(data=event.data + b" ") if fate is Fate.SPOILED else event
        self.log += [kept] * copies
        if fate is Fate.LATE:
            self.late.append(event)
        return fate in _ACKED

    def bring_late(self) -> None:
        """Write down what was delayed."""
        self.log += self.late
        self.late.clear()

    def swap(self, at: int) -> None:
        """Exchange two neighbours."""
        if self.log:
            here = at % len(self.log)
            there = (here + 1) % len(self.log)
            self.log[here], self.log[there] = self.log[there], self.log[here]

    def forget(self) -> None:
        """Lose everything; readers begin at the earliest message there is, which is none."""
        self.log.clear()
        self.late.clear()
        self.offsets.clear()

    def read(self, reader: str, n_messages: int) -> list[Event]:
        """Return the next messages for *reader*; its offset stays."""
        offset = self.offsets.get(reader, 0)
        return self.log[offset : offset + n_messages]

    def commit(self, reader: str, n_messages: int) -> None:
        """Move the offset of *reader*."""
        self.offsets[reader] = self.offsets.get(reader, 0) + n_messages

    def rewind(self, reader: str, n_messages: int) -> None:
        """Let *reader* read again, as after a lost offset commit."""
        self.offsets[reader] = max(0, self.offsets.get(reader, 0) - n_messages)
