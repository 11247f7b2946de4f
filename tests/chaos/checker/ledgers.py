"""Ledgers and heads: numbers without gaps, chains computed anew, causes before effects, the same in every service.

Written from the description (architecture.md, 3.1), not from the code.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC

from tests.chaos.checker.evidence import SERVICES, Evidence, Row
from tests.chaos.checker.finding import Finding


def check(seen: Evidence) -> Iterator[Finding]:
    """Compare every ledger with itself, with its causes, and with what every service says it has applied."""
    books = {service: seen.ledger(service) for service in SERVICES}
    ids = Counter(row["id"] for service in SERVICES for row in seen.rows(service, "event"))
    yield from (Finding("doubled", "ledgers", f"event {one} is there {n} times") for one, n in ids.items() if n > 1)
    for service, book in books.items():
        for dossier, history in book.items():
            yield from _history(f"{service} {dossier}", history)
            yield from _causes(
                f"{service} {dossier}", service, history, {s: b.get(dossier, []) for s, b in books.items()}
            )
    yield from _heads(seen, books)
    yield from _copies(seen, books)
    yield from _rests(seen)


def _history(where: str, history: list[Row]) -> Iterator[Finding]:
    numbers = [row["seq"] for row in history]
    for n in sorted(set(range(1, max(numbers) + 1)) - set(numbers)):
        yield Finding("lost", where, f"no event {n} of {max(numbers)}")
    yield from (Finding("doubled", where, f"event {n} is there twice") for n, k in Counter(numbers).items() if k > 1)
    previous = 0
    for before, row in zip([None, *history], history, strict=False):
        if before is not None and row["time"] <= before["time"]:
            yield Finding("reordered", where, f"event {row['seq']} is not later than the one before it")
        if chain(previous, row) != row["chain"]:
            yield Finding("diverged", where, f"the chain breaks at event {row['seq']} ({row['type']})")
        previous = row["chain"]


def chain(previous: int, row: Row) -> int:
    """Return the first 8 bytes of SHA-256 over the previous chain and the event, as a signed integer."""
    time = row["time"].astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    content = b"%b%b%b\0%b%b\0%b" % (
        previous.to_bytes(8, "big", signed=True),
        row["id"].bytes,
        row["type"].encode(),
        time.encode(),
        row["after"].encode(),
        row["data"],
    )
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "big", signed=True)


def causes(after: str) -> dict[str, int]:
    """Read ``intake=7,sla=3``."""
    return {part.split("=")[0]: int(part.split("=")[1]) for part in after.split(",") if part}


def _causes(where: str, me: str, history: list[Row], books: dict[str, list[Row]]) -> Iterator[Finding]:
    """A cause exists, is earlier, and no later event of the same writer knows less."""
    known: dict[str, int] = {}
    for row in history:
        named = causes(row["after"])
        for source, n in named.items():
            cause = books[source][n - 1] if 0 < n <= len(books[source]) else None
            if source == me or cause is None:
                yield Finding("lost", where, f"event {row['seq']} names {source}={n}, which is not there")
            elif cause["time"] >= row["time"]:
                yield Finding("reordered", where, f"event {row['seq']} is not later than its cause {source}={n}")
        if any(named.get(source, 0) < n for source, n in known.items()):
            yield Finding("reordered", where, f"event {row['seq']} knows less than the one before it")
        known = named


def _heads(seen: Evidence, books: dict[str, dict[str, list[Row]]]) -> Iterator[Finding]:
    every = {dossier for book in books.values() for dossier in book}
    for service in SERVICES:
        heads = {str(row["dossier_id"]): row for row in seen.rows(service, "head")}
        for dossier in every | heads.keys():
            for source in SERVICES:
                yield from _head(
                    f"{service} {dossier} {source}", heads.get(dossier), source, books[source].get(dossier, [])
                )


def _head(where: str, head: Row | None, source: str, history: list[Row]) -> Iterator[Finding]:
    at = (head[f"{source}_seq"], head[f"{source}_chain"]) if head else (0, 0)
    last = (history[-1]["seq"], history[-1]["chain"]) if history else (0, 0)
    if at[0] < last[0]:
        yield Finding("lost", where, f"applied up to {at[0]} of {last[0]}")
    elif at[0] > last[0]:
        yield Finding("lost", where, f"{at[0]} were applied, the ledger has {last[0]}")
    elif at != last:
        yield Finding("diverged", where, f"another history was applied up to {at[0]}")


def _copies(seen: Evidence, books: dict[str, dict[str, list[Row]]]) -> Iterator[Finding]:
    """Intake keeps all facts of the others: byte for byte those of their ledgers."""
    told = ("seq", "id", "type", "time", "after", "chain", "data")
    kept = {(row["source"], str(row["dossier_id"]), row["seq"]): row for row in seen.rows("intake", "timeline_event")}
    true = {
        (source, dossier, row["seq"]): row
        for source in SERVICES if source != "intake" for dossier, history in books[source].items() for row in history
    }  # fmt: skip
    for key in true.keys() | kept.keys():
        ours, theirs = kept.get(key), true.get(key)
        if ours is None or theirs is None:
            yield Finding("lost" if ours is None else "doubled", "intake's timeline", f"{key}: on one side only")
        elif any(ours[name] != theirs[name] for name in told):
            yield Finding("diverged", "intake's timeline", f"{key}: not the same bytes")


def _rests(seen: Evidence) -> Iterator[Finding]:
    """Nothing waits any more: whoever says *in step* has no holds, nothing parked, nothing unsent."""
    for service in SERVICES:
        for table in ("hold", "parked"):
            yield from (
                Finding("lost", f"{service} {row['dossier_id']}", f"still in {table}")
                for row in seen.rows(service, table)
            )
        unsent = [row for row in seen.rows(service, "event") if row["published_at"] is None]
        yield from (
            Finding("lost", f"{service} {row['dossier_id']}", f"event {row['seq']} was never sent") for row in unsent
        )
