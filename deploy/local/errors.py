"""What the launcher says when it cannot go on: one line, never a stack trace."""

from pathlib import Path

FULL = "No space left on device"


class LaunchError(Exception):
    """Something a person can mend; its text is the one line they read."""


class ProgramDied(LaunchError):
    """A program ended while it was being started; carries the last lines of its log."""

    def __init__(self, name: str, code: int | None, log: Path, tail: str) -> None:
        how = f"was ended by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
        why = "the disk is full" if FULL in tail else f"the last lines of {log}:"
        super().__init__(f"{name} {how} before it was ready; {why}\n{tail}".rstrip())
