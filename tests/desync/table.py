"""The table of the sixteen modes, as the tests saw them."""

from dataclasses import dataclass, field
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "docs" / "desync.md"
WRITE = "LIENTHONG_WRITE_DESYNC"
COMMAND = "python -m tests.desync"
MODES = {
    1: "the queue row holds only the dossier's id; the payload is built when it is sent",
    2: "enqueuing is skipped while a row of that dossier waits or is on its way",
    3: "an exception falls through to *success*",
    4: "a crash leaves a row *sending* for ever, and it is picked again in every run",
    5: "ten retries, then a permanent error without an alarm",
    6: "header and progress are two calls with one outcome",
    7: "only the last action is sent, with the present status",
    8: "a request is repeated without an idempotency key; the receiver counts its dates anew",
    9: "an unknown dossier or an unmapped status is answered with *success*",
    10: "HTTP before the commit",
    11: "a partner's outage keeps the officer's buttons disabled",
    12: "a new appointment sent by VBDLIS is only written into a log",
    13: "a repeated tax result advances the workflow again",
    14: "success is decided by the words of a message",
    15: "one flag for each dossier; a stop is sent as *done*",
    16: "two nodes send the same row",
}
HEAD = f"""# The sixteen ways to fall out of step

Each row was reproduced against a sender as one-stop software in use has it, and then against ours: the real services,
the real adapters, the same sandbox and the same fault. Only what the tests saw is written here.

Written by `{COMMAND}`; `tests/desync` fails when it is not what was seen.

| # | mode | naive result | ours |
|---|---|---|---|
"""


@dataclass
class Table:
    """Collects the rows."""

    rows: dict[int, tuple[str, str]] = field(default_factory=dict)

    def add(self, number: int, *, naive: str, ours: str) -> None:
        """Record what was seen of a mode; called when all of it was asserted."""
        self.rows[number] = (naive, ours)

    def text(self) -> str:
        """Return the document."""
        return HEAD + "".join(f"| {no} | {MODES[no]} | {naive} | {ours} |\n" for no, (naive, ours) in self._sorted())

    def _sorted(self) -> list[tuple[int, tuple[str, str]]]:
        return sorted(self.rows.items())
