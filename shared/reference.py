"""Reference data: immutable versions, owned by one service and replicated by the others that decide with them."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, TypeVar

import structlog
from sqlalchemy import func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from shared import telemetry
from shared.errors import DomainError, NotFound, Text
from shared.kafka import Message, Publisher
from shared.peers import PeerAway, Peers
from shared.session import Session, Sessions
from shared.tables import ReferenceRow

D = TypeVar("D")
log = structlog.get_logger(__name__)

TOPIC = "reference.data"
OWNERS = {
    "procedure": "intake",
    "agency": "workflow",
    "route": "workflow",
    "system": "workflow",
    "calendar": "sla",
    "ground": "sla",
    "scorecard": "sla",
}
FOLDERS = {
    "procedure": "procedures",
    "agency": "agencies",
    "route": "routes",
    "system": "systems",
    "calendar": "calendars",
    "ground": "grounds",
    "scorecard": "scorecards",
}

CHUNK = 500

Key = tuple[str, str, int]
Parser = Callable[[dict[str, Any]], Any]


class Dated(Protocol):
    """Reference data that is in force for a time."""

    valid_from: date
    valid_to: date | None


class ImmutableVersion(DomainError):
    """A version that exists was given other content."""

    status = 409
    code = "immutable_version"
    title = Text("Phiên bản đã ban hành không được sửa", "A published version can not be changed")


class OverlappingVersions(DomainError):
    """Two versions of one thing would be in force on one day, or a newer one would begin before an older one."""

    status = 422
    code = "overlapping_versions"
    title = Text("Hiệu lực của các phiên bản chồng lên nhau", "The dates of versions overlap")


class References:
    """What one service holds of reference data, parsed once and kept: versions never change."""

    def __init__(self, service: str, sessions: Sessions, parsers: dict[str, Parser]) -> None:
        self.service = service
        self.kinds = frozenset(parsers)
        self._sessions = sessions
        self._parsers = parsers
        self._known: dict[tuple[str, str], dict[int, Any]] = {}
        self._derived: dict[tuple[str, Callable[[Iterable[Any]], Any]], Any] = {}

    def parse(self, kind: str, data: dict[str, Any]) -> Any:
        """Return *data* parsed; pydantic.ValidationError if it is not what the kind takes."""
        return self._parsers[kind](data)

    def owned(self, kind: str) -> bool:
        """Say whether this service is the owner of *kind*."""
        return OWNERS[kind] == self.service

    async def refresh(self) -> None:
        """Read the versions this process has not seen yet."""
        async with self._sessions() as session:
            keys = await session.execute(select(ReferenceRow.kind, ReferenceRow.code, ReferenceRow.version))
            fresh = [(k, c, v) for k, c, v in keys if k in self.kinds and not self.has((k, c, v))]
            for at in range(0, len(fresh), CHUNK):
                wanted = tuple_(ReferenceRow.kind, ReferenceRow.code, ReferenceRow.version).in_(fresh[at : at + CHUNK])
                for row in await session.scalars(select(ReferenceRow).where(wanted)):
                    self._read(row)

    def _read(self, row: ReferenceRow) -> None:
        """Parse one version; one that can not be read hides no other."""
        try:
            self._versions(row.kind, row.code)[row.version] = self._parsers[row.kind](row.data)
            self._derived.clear()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the others are needed
            telemetry.report(log, "unreadable_reference", error, kind=row.kind, code=row.code, version=row.version)

    def _versions(self, kind: str, code: str) -> dict[int, Any]:
        return self._known.setdefault((kind, code), {})

    def has(self, key: Key) -> bool:
        """Say whether this process has read one version."""
        kind, code, version = key
        return version in self._known.get((kind, code), {})

    async def has_all(self, keys: Iterable[Key]) -> bool:
        """Say whether every version this service replicates is here; other kinds do not concern it."""
        concern = [key for key in keys if key[0] in self.kinds]
        if all(self.has(key) for key in concern):
            return True
        await self.refresh()
        return all(self.has(key) for key in concern)

    def get(self, kind: str, code: str, version: int) -> Any:
        """Return one version, parsed; NotFound if it is not here."""
        try:
            return self._known[kind, code][version]
        except KeyError:
            raise NotFound(f"{kind} {code}@{version}") from None

    def in_force(self, kind: str, code: str, on: date) -> tuple[int, Any]:
        """Return the version of *code* in force on a date, and the data; NotFound if there is none.

        A newer version replaces the one before from its first day, also where it ends.
        """
        versions = self._known.get((kind, code), {})
        begun = [version for version, data in versions.items() if data.valid_from <= on]
        if not begun or not is_in_force(versions[max(begun)], on):
            raise NotFound(f"{kind} {code}", extra={"kind": kind, "code": code})
        return max(begun), versions[max(begun)]

    def find(self, kind: str, code: str, on: date) -> Any | None:
        """Return the data in force on a date, None if there is none."""
        try:
            return self.in_force(kind, code, on)[1]
        except NotFound:
            return None

    def latest(self, kind: str, code: str) -> Any:
        """Return the data of the highest version of *code*; NotFound if there is none."""
        versions = self._known.get((kind, code), {})
        if not versions:
            raise NotFound(f"{kind} {code}")
        return versions[max(versions)]

    def all_of(self, kind: str) -> list[tuple[str, int, Any]]:
        """Return (code, version, data) of all versions of *kind*, sorted."""
        known = [(code, versions) for (a_kind, code), versions in self._known.items() if a_kind == kind]
        return [(code, version, versions[version]) for code, versions in sorted(known) for version in sorted(versions)]

    def derived(self, kind: str, make: Callable[[Iterable[Any]], D]) -> D:
        """Return what *make* makes of the data of all versions of *kind*, made anew when a version is read."""
        if (kind, make) not in self._derived:
            self._derived[kind, make] = make(data for _, _, data in self.all_of(kind))
        made: D = self._derived[kind, make]
        return made

    def missing_kinds(self) -> set[str]:
        """Return the replicated kinds of which nothing is here yet; a service is not ready before this is empty."""
        replicated = {kind for kind in self.kinds if not self.owned(kind)}
        return replicated - {kind for (kind, _), versions in self._known.items() if versions}


def is_in_force(data: Dated, on: date) -> bool:
    """Say whether *data* is in force on a date; *valid_to* is its last day."""
    return data.valid_from <= on and (data.valid_to is None or on <= data.valid_to)


async def store(session: Session, key: Key, data: dict[str, Any], *, owned: bool) -> bool:
    """Add one version; return False if it was there. ImmutableVersion if it was there with other content."""
    kind, code, version = key
    row = insert(ReferenceRow).values(kind=kind, code=code, version=version, data=data, owned=owned)
    done = await session.execute(row.on_conflict_do_nothing().returning(ReferenceRow.kind))
    if done:
        return True
    there = await session.get_one(ReferenceRow, key)
    if there.data != json.loads(json.dumps(data)):
        raise ImmutableVersion(f"{kind} {code}@{version}")
    return False


async def publish_owned(sessions: Sessions, publisher: Publisher) -> bool:
    """Send owned versions that were not sent yet, outside any transaction; True if there was work."""
    unsent = ReferenceRow.owned & ReferenceRow.published_at.is_(None)
    async with sessions() as session:
        rows = list(await session.scalars(select(ReferenceRow).where(unsent).limit(CHUNK)))
    if not rows or not all(await publisher.send([_message(row) for row in rows])):
        return False
    keys = [(row.kind, row.code, row.version) for row in rows]
    wanted = tuple_(ReferenceRow.kind, ReferenceRow.code, ReferenceRow.version).in_(keys)
    async with sessions.begin() as session:
        await session.execute(update(ReferenceRow).where(wanted).values(published_at=func.clock_timestamp()))
    return True


def _message(row: ReferenceRow) -> Message:
    body = {"kind": row.kind, "code": row.code, "version": row.version, "data": row.data}
    key = f"{row.kind}/{row.code}/{row.version}".encode()
    return Message(TOPIC, key, json.dumps(body, ensure_ascii=False).encode(), [])


async def replicate(references: References, sessions: Sessions, values: Iterable[bytes]) -> None:
    """Keep replicas of the *values* read from the topic, as far as they concern this service."""
    async with sessions.begin() as session:
        for value in values:
            body = json.loads(value)
            if body["kind"] in references.kinds and not references.owned(body["kind"]):
                await store(session, (body["kind"], body["code"], body["version"]), body["data"], owned=False)
    await references.refresh()


async def catch_up(references: References, sessions: Sessions, peers: Peers) -> None:
    """Read from their owners the versions that did not come by the broker; a peer that is away is asked later."""
    for owner in {OWNERS[kind] for kind in references.kinds if not references.owned(kind)}:
        try:
            await _catch_up_with(owner, references, sessions, peers)
        except PeerAway as error:
            log.warning("reference_owner_away", peer=owner, error=str(error))
    await references.refresh()


async def _catch_up_with(owner: str, references: References, sessions: Sessions, peers: Peers) -> None:
    for key in await peers.reference_keys(owner):
        if key[0] in references.kinds and not await references.has_all([key]):
            data = await peers.reference(owner, *key)
            async with sessions.begin() as session:
                await store(session, key, data, owned=False)


async def load_folder(service: "HasReferences", folder: str) -> None:
    """Load the owned reference data from ``<folder>/<kinds>/*.json`` (one version a file, or a list of versions)."""
    references = service.references
    for kind in sorted(references.kinds):
        if not references.owned(kind):
            continue
        rows = read_folder(Path(folder) / FOLDERS[kind])
        refuse_overlaps(kind, {(data["code"], data["version"]): references.parse(kind, data) for data in rows})
        async with service.sessions.begin() as session:
            for data in rows:
                await store(session, (kind, data["code"], data["version"]), data, owned=True)


def refuse_overlaps(kind: str, versions: Mapping[tuple[str, int], Any]) -> None:
    """Raise OverlappingVersions unless the versions of each code follow one another in their dates.

    One without an end ends when the next begins; kinds without dates (calendars) have nothing to overlap.
    """
    dated = [(code, version, data) for (code, version), data in sorted(versions.items()) if hasattr(data, "valid_from")]
    for (code, version, before), (next_code, _, after) in pairwise(dated):
        begins = after.valid_from
        if code == next_code and not (before.valid_from < begins and (before.valid_to or date.min) < begins):
            raise OverlappingVersions(f"{kind} {code}@{version} and the next one")


def read_folder(folder: Path) -> list[dict[str, Any]]:
    """Return all versions in the JSON files of *folder*."""
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    return [version for part in found for version in (part if isinstance(part, list) else [part])]


class HasReferences(Protocol):
    """What loading needs of a service."""

    references: References
    sessions: Sessions
