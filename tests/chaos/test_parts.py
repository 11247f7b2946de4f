"""The suite's own parts: points that exist, processes that die there, doors that hold back, plans that repeat."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from deploy.local.folder import ROOT
from deploy.local.ports import LOOPBACK, free_ports
from shared.timeline import Event
from tests.chaos.at import PASSED, resolve
from tests.chaos.brokers import address, configuration
from tests.chaos.checker import Finding
from tests.chaos.conduct import Outcome, Struck
from tests.chaos.doors import Doors
from tests.chaos.faults import FAMILIES, by_name
from tests.chaos.faults.processes import BUSY
from tests.chaos.lives import WEIGHTS, Life, kinds
from tests.chaos.points import DISTORTED, DISTORTIONS, MIGRATION, POINTS, SERVICES
from tests.chaos.report import keep, kept, report
from tests.chaos.town import START


def test_there_are_more_than_a_dozen_points() -> None:
    assert len(POINTS) >= 12
    assert set(BUSY) <= POINTS.keys()


@pytest.mark.parametrize("name", POINTS)
def test_a_point_is_a_function_of_the_product(name: str) -> None:
    owner, attribute = resolve(POINTS[name].target)
    assert callable(getattr(owner, attribute))


@pytest.mark.parametrize("target", [MIGRATION.target, DISTORTED])
def test_so_are_the_other_places(target: str) -> None:
    resolve(target)


def test_a_point_that_has_lost_its_place_is_an_error() -> None:
    with pytest.raises(LookupError, match="lost its place"):
        resolve("shared.relay:Relay.gone")


def test_a_program_kills_itself_at_the_passing_that_was_named(tmp_path: Path) -> None:
    (tmp_path / "victim.py").write_text("""
from shared.session import Session
import asyncio

async def run():
    for n in (1, 2, 3):
        await Session(None, {}).flush()
        print(n, flush=True)

asyncio.run(run())
""")
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos.at", "written-before-commit:2", "victim"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.split() == ["1"]
    assert f"{PASSED}written-before-commit:2" in done.stderr


def test_a_bad_broker_loses_repeats_swaps_or_alters() -> None:
    assert list(DISTORTIONS["loses"]([1, 2, 3, 4])) == [1, 2, 4]
    assert list(DISTORTIONS["repeats"]([1, 2])) == [1, 2, 1, 2]
    assert list(DISTORTIONS["swaps"]([1, 2, 3])) == [3, 2, 1]
    events = [Event("intake", UUID(int=1), n, UUID(int=n), "t", START, "", 7, b"{}") for n in (1, 2, 3, 4)]
    assert [one == known for one, known in zip(DISTORTIONS["alters"](events), events, strict=True)].count(False) == 1


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)
    writer.close()


async def test_what_a_door_held_back_arrives_when_it_is_mended() -> None:
    behind, front = free_ports(2)
    server = await asyncio.start_server(echo, LOOPBACK, behind)
    doors = Doors(lambda: {os.getpid(): "me"})
    try:
        await asyncio.to_thread(doors.open, front, behind, "there")
        reader, writer = await asyncio.open_connection(LOOPBACK, front)
        writer.write(b"one\n")
        assert await asyncio.wait_for(reader.readline(), 5) == b"one\n"
        await asyncio.to_thread(doors.cut, ["me"], ["there"])
        writer.write(b"two\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readline(), 0.3)
        await asyncio.to_thread(doors.mend)
        assert await asyncio.wait_for(reader.readline(), 5) == b"two\n"
        writer.close()
    finally:
        await asyncio.to_thread(doors.close)
        server.close()


def test_the_same_seed_draws_the_same_lives_and_faults() -> None:
    assert kinds(Random(7), 30) == kinds(Random(7), 30)
    assert set(kinds(Random(7), 30)) == WEIGHTS.keys()
    assert all(hasattr(Life, kind) for kind in WEIGHTS)
    for name, make in by_name().items():
        assert make(Random(3)) == make(Random(3)), name


def test_every_family_has_faults_and_no_fault_is_in_two() -> None:
    assert sum(map(len, FAMILIES.values())) == len(by_name())


def test_everybody_reaches_a_broker_through_its_doors_only() -> None:
    quorum = [address(number) for number in (1, 2, 3)]
    lines = configuration(quorum[0], quorum, Path("data"))
    doors = {one.quorum_door for one in quorum}
    assert {int(part.rsplit(":", 1)[1]) for part in lines["controller.quorum.voters"].split(",")} == doors
    assert str(quorum[0].client_door) in lines["advertised.listeners"]
    assert str(quorum[0].node.port) not in lines["advertised.listeners"]
    assert (lines["min.insync.replicas"], lines["default.replication.factor"]) == ("2", "3")


def test_rounds_that_were_kept_are_read_again_as_they_were(tmp_path: Path) -> None:
    struck = [Struck("x", "y", 1.5, None, ("sla",))]
    outcome = Outcome(7, struck, [Finding("lost", "a", "b")], ["t"], {"held": 1}, 3, incidents=Counter({"tax: x": 2}))
    keep(outcome, tmp_path / "rounds")
    keep(outcome, tmp_path / "rounds")
    assert kept(tmp_path / "rounds") == [outcome, outcome]
    assert "| dossiers | 6 |" in report(kept(tmp_path / "rounds"), "both")


def test_every_service_can_be_struck_at_a_point() -> None:
    assert {one for point in POINTS.values() for one in point.programs} >= set(SERVICES)


def test_the_page_names_every_point_and_fault() -> None:
    page = (ROOT / "docs" / "chaos.md").read_text()
    named = [name.removeprefix("kill at ").removeprefix("partner: ") for name in by_name()]
    assert [name for name in (*POINTS, *named) if name not in page and not name.startswith("two at once")] == []
