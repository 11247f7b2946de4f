"""How the launcher tells a person what it is doing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.table import Table


class Download(Protocol):
    """Counts the files and bytes of one download."""

    def file(self, size: int) -> None:
        """Expect *size* more bytes."""

    def bytes(self, count: int) -> None:
        """Say that *count* bytes arrived."""


class Quiet:
    """Says nothing: for tests."""

    def say(self, text: str) -> None:
        """Tell one step."""

    @contextmanager
    def download(self, title: str, n_files: int) -> Iterator[Download]:  # noqa: ARG002 - Loud shows them
        """Show a download of *n_files* while the context lasts."""
        yield _Uncounted()


class _Uncounted:
    def file(self, size: int) -> None: ...

    def bytes(self, count: int) -> None: ...


class Loud(Quiet):
    """Prints each step, and a bar while something downloads."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)

    def say(self, text: str) -> None:
        """Print one step."""
        self._console.print(f"[dim]·[/dim] {text}")

    @contextmanager
    def download(self, title: str, n_files: int) -> Iterator[Download]:
        """Show a bar on a terminal, and one line a download elsewhere."""
        columns = (TextColumn("  {task.description}"), BarColumn(), DownloadColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            yield _Counted(progress, title, n_files)

    def table(self, rows: list[tuple[str, str, str, float]], seconds: float) -> None:
        """Print name, address, documentation and seconds to ready of all that runs, and *seconds* in all."""
        table = Table(caption=f"ready after {seconds:.1f} s", caption_justify="left")
        for title in ("service", "address", "docs", "ready in"):
            table.add_column(title, overflow="fold")
        for name, address, docs, took in rows:
            table.add_row(name, address, docs, f"{took:.1f} s")
        self._console.print(table)


class _Counted:
    def __init__(self, progress: Progress, title: str, n_files: int) -> None:
        self._progress, self._title, self._left = progress, title, n_files
        self._task = progress.add_task(f"{title}: {n_files} files", total=0)
        self._total = 0

    def file(self, size: int) -> None:
        self._left -= 1
        self._total += size
        text = f"{self._title}: {self._left} files to go"
        self._progress.update(self._task, total=self._total, description=text)

    def bytes(self, count: int) -> None:
        self._progress.advance(self._task, count)
