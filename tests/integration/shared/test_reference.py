"""Reference data: replicated as they are, never changed, and one bad version spoils nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import nullcontext, suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from shared import reference
from shared.reference import (
    ImmutableVersion,
    OverlappingVersions,
    Parser,
    References,
    catch_up,
    load_folder,
    publish_owned,
    read_folder,
    refuse_overlaps,
    store,
)
from shared.service import Service
from tests.integration.shared.spine import Spine, Wire, spine
from tests.support import PROVINCE, Databases, Issuer, definition_of


class Unit(BaseModel):
    """An agency as a service of an older version reads it."""

    model_config = ConfigDict(extra="forbid")
    code: str
    version: int
    name: str
    valid_from: date = date(2026, 1, 1)
    valid_to: date | None = None


PARSERS: dict[str, dict[str, Parser]] = {name: {"agency": Unit.model_validate} for name in ("intake", "workflow")}


@pytest.fixture
async def town(databases: Databases, issuer: Issuer) -> AsyncIterator[Spine]:
    """Workflow owns agencies, intake replicates them."""
    async with spine(databases, issuer, parsers=PARSERS) as running:
        yield running


def unit(code: str, version: int = 1, **given: Any) -> dict[str, Any]:
    return {"code": code, "version": version, "name": f"Đơn vị {code}", **given}


async def put(town: Spine, service: str, data: dict[str, Any]) -> bool:
    async with town.service(service).sessions.begin() as session:
        key = ("agency", data["code"], data["version"])
        return await store(session, key, data, owned=service == "workflow")


def references(town: Spine) -> References:
    return town.service("intake").references


async def catch_up_with(town: Spine) -> None:
    service = town.service("intake")
    await catch_up(service.references, service.sessions, service.peers)


async def test_a_version_that_was_published_can_be_stored_again_but_never_changed(town: Spine) -> None:
    assert await put(town, "workflow", unit("A"))
    assert not await put(town, "workflow", unit("A"))
    with pytest.raises(ImmutableVersion):
        await put(town, "workflow", unit("A", name="another"))
    assert await put(town, "workflow", unit("A", 2, name="another"))
    (row,) = await town.rows("workflow", "SELECT data FROM reference WHERE version = 1")
    assert row.data == unit("A")


async def test_two_who_store_one_version_with_different_content_at_once_do_not_both_succeed(town: Spine) -> None:
    named = [put(town, "workflow", unit("A", name=name)) for name in ("one", "other")]
    done = await asyncio.gather(*named, return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["ImmutableVersion", "bool"]


async def test_a_replica_is_what_its_owner_has(town: Spine) -> None:
    for data in (unit("A"), unit("A", 2), unit("B")):
        await put(town, "workflow", data)
    await catch_up_with(town)
    rows = await town.rows("intake", "SELECT code, version, data, owned FROM reference ORDER BY code, version")
    assert [(row.code, row.version, row.data, row.owned) for row in rows] == [
        ("A", 1, unit("A"), False), ("A", 2, unit("A", 2), False), ("B", 1, unit("B"), False),
    ]  # fmt: skip
    assert references(town).in_force("agency", "A", date(2026, 7, 1))[0] == 2
    assert references(town).missing_kinds() == set()


async def test_owned_versions_are_marked_as_published_only_when_the_broker_took_them(town: Spine) -> None:
    await put(town, "workflow", unit("A"))
    for refused, left in (({1}, 1), (set(), 0)):
        await _publish(town, refused)
        rows = await town.rows("workflow", "SELECT 1 FROM reference WHERE published_at IS NULL")
        assert len(rows) == left


class _Post(Wire):
    """Takes messages of any topic."""

    async def send(self, messages: list[Any]) -> list[bool]:
        """Acknowledge everything, or nothing."""
        assert json.loads(messages[0].value)["data"] == unit("A")
        return [not self.refused for _ in messages]


async def _publish(town: Spine, refused: set[int]) -> None:
    await publish_owned(town.service("workflow").sessions, _Post(refused))  # type: ignore[arg-type]


async def test_one_version_this_service_can_not_read_hides_no_other(town: Spine) -> None:
    """As when the owner is upgraded first and its next versions have a field more."""
    await put(town, "workflow", unit("A", 1, invented="later"))
    await put(town, "workflow", unit("B"))
    with suppress(ValidationError):
        await catch_up_with(town)
    with suppress(ValidationError):
        await references(town).refresh()
    assert references(town).has(("agency", "B", 1))


async def test_a_replica_that_differs_keeps_no_other_version_from_coming(town: Spine) -> None:
    await put(town, "intake", unit("A", name="wrong"))
    for code in ("A", "B"):
        await put(town, "workflow", unit(code))
    await catch_up_with(town)
    assert references(town).has(("agency", "B", 1))


async def test_a_service_reads_any_number_of_versions_at_its_start(town: Spine) -> None:
    await town.rows(
        "intake",
        """INSERT INTO reference (kind, code, version, data, owned)
           SELECT 'agency', 'U' || n, 1, jsonb_build_object('code', 'U' || n, 'version', 1, 'name', 'x'), false
           FROM generate_series(1, 11000) n""",
    )
    await references(town).refresh()
    assert len(references(town).all_of("agency")) == 11000


def test_somebody_replicates_from_the_topic() -> None:
    root = Path(reference.__file__).resolve().parent.parent
    files = [path for folder in ("shared", "services") for path in (root / folder).rglob("*.py")]
    users = [path for path in files if "replicate(" in path.read_text()]
    assert len(users) > 1


def dated(*periods: tuple[str, str | None]) -> dict[tuple[str, int], Unit]:
    given = [Unit.model_validate(unit("A", n, valid_from=a, valid_to=b)) for n, (a, b) in enumerate(periods, 1)]
    return {(one.code, one.version): one for one in given}


@pytest.mark.parametrize(
    "periods",
    [
        [("2018-01-01", None), ("2025-07-01", None)],  # the first ends when the second begins
        [("2018-01-01", "2025-06-30"), ("2025-07-01", None)],
        [("2018-01-01", "2024-12-31"), ("2025-07-01", None)],  # a gap is a gap
    ],
)
def test_versions_follow_one_another(periods: list[tuple[str, str | None]]) -> None:
    refuse_overlaps("agency", dated(*periods))


@pytest.mark.parametrize(
    "periods",
    [
        [("2018-01-01", "2025-07-01"), ("2025-07-01", None)],  # both on 1 July
        [("2025-07-01", None), ("2018-01-01", None)],  # a newer one begins before
        [("2025-07-01", None), ("2025-07-01", None)],
    ],
)
def test_versions_that_overlap_are_refused(periods: list[tuple[str, str | None]]) -> None:
    with pytest.raises(OverlappingVersions):
        refuse_overlaps("agency", dated(*periods))


LIMITS = [
    ("2025-07-01", True),  # the first ends on 30/6/2025
    ("2025-06-30", False),  # two limits on one day
    ("2024-01-01", False),  # begins before the one that it should follow
]


@pytest.mark.parametrize(("begins", "is_loaded"), LIMITS)
async def test_limits_of_a_procedure_that_overlap_are_not_loaded(
    databases: Databases, tmp_path: Path, begins: str, is_loaded: bool
) -> None:
    rules = read_folder(PROVINCE / "procedures")[0]
    first = {**rules, "code": "X.01", "version": 1, "valid_from": "2024-08-01", "valid_to": "2025-06-30"}
    second = {**first, "version": 2, "valid_from": begins, "valid_to": None, "limit": {**rules["limit"], "amount": 3}}
    (tmp_path / "procedures").mkdir()
    (tmp_path / "procedures" / "x.json").write_text(json.dumps([first, second]))
    prefix = await databases.cut("intake")
    intake = Service(definition_of("intake"), databases.settings(prefix, "intake"))
    with nullcontext() if is_loaded else pytest.raises(OverlappingVersions, match=r"procedure X\.01@1"):
        await load_folder(intake, str(tmp_path))
    await intake.references.refresh()
    versions = [version for _, version, _ in intake.references.all_of("procedure")]
    assert versions == ([1, 2] if is_loaded else [])
    await intake.stop()
    await databases.drop(prefix, "intake")
