"""PostgreSQL and Kafka: ours, or those that already run and are named in the environment."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from deploy.local.folder import Claim, check_room
from deploy.local.kafka import Kafka
from deploy.local.parts import Part
from deploy.local.postgres import Postgres
from deploy.local.process import Nest
from deploy.local.report import Quiet

T = TypeVar("T")


@dataclass(frozen=True)
class Engines:
    """Where the two engines are reached."""

    postgres_url: str
    kafka: str

    @property
    def environment(self) -> dict[str, str]:
        """Return them as the settings read them."""
        return {"LIENTHONG_POSTGRES_URL": self.postgres_url, "LIENTHONG_KAFKA": self.kafka}


def given() -> Engines:
    """Return the servers named in the environment; an empty text where there is none."""
    return Engines(os.environ.get("LIENTHONG_POSTGRES_URL", ""), os.environ.get("LIENTHONG_KAFKA", ""))


class EngineSet:
    """The engines of one data folder; starts only those that were not *given*."""

    def __init__(self, data_dir: Path, nest: Nest, report: Quiet, known: Engines) -> None:
        self._known = known
        self._postgres = None if known.postgres_url else Postgres(data_dir / "postgres", nest)
        self._kafka = None if known.kafka else Kafka(data_dir / "kafka", nest, report)
        self.parts: list[Part] = [part for part in (self._postgres, self._kafka) if part]

    def addresses(self) -> Engines:
        """Return where they are reached."""
        postgres = self._postgres.url if self._postgres else self._known.postgres_url
        return Engines(postgres, self._kafka.url if self._kafka else self._known.kafka)


def start_together(parts: Iterable[Part]) -> None:
    """Start *parts* at once; raise the first error."""

    def start(part: Part) -> None:
        part.launch()
        part.wait_ready()

    at_once(start, parts)


@contextmanager
def engines(data_dir: Path, report: Quiet | None = None) -> Iterator[Engines]:
    """Run the engines on *data_dir* while the context lasts; the environment may name others."""
    claim, nest = Claim(data_dir), Nest(data_dir / "log")
    claim.take()
    running = EngineSet(data_dir, nest, report or Quiet(), given())
    try:
        check_room(data_dir)
        start_together(running.parts)
        yield running.addresses()
    finally:
        end(nest, [([part], 2.0) for part in reversed(running.parts)])
        claim.give_back()


def at_once(action: Callable[[T], None], items: Iterable[T]) -> None:
    """Do *action* to all *items* at the same time; raise the first error without waiting for the rest."""
    pool = ThreadPoolExecutor(8)
    try:
        for future in as_completed([pool.submit(action, item) for item in items]):
            future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _stop(seconds: float, part: Part) -> None:
    part.stop(seconds)


def end(nest: Nest, groups: Iterable[tuple[Sequence[Part], float]]) -> None:
    """Stop group after group, each for at most its seconds, and leave nothing behind."""
    nest.close()
    for parts, seconds in groups:
        at_once(partial(_stop, seconds), parts)
        for part in parts:
            part.discard()
    nest.sweep()
