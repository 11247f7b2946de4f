"""The short form: one broker, some forty dossiers, seven faults, some at once; ``CHAOS_SEED`` plays a run again."""

import asyncio
import os
import secrets
from pathlib import Path
from random import Random

from tests.chaos.conduct import Outcome, Plan, play
from tests.chaos.faults import Make, by_name
from tests.chaos.faults.processes import some_busy_points
from tests.chaos.faults.together import Together
from tests.chaos.report import details, report
from tests.chaos.town import Shape, town

N_DOSSIERS = 44
PER_SECOND = 2.0
IN_STEP_SECONDS = 4.0
"""How long a short run waits after each fault; at the end it waits for everything."""
SHAPE = Shape(passing_seconds=6)
POINTS = "kill at four points at once"
ALWAYS = (
    ("PostgreSQL killed", "kill -9 at any instant"),
    ("Kafka's data deleted", "serialization failures"),
    (POINTS, "connections cut", "partner: timeout_after_effect"),
)
"""What strikes at once: that which neither waits for the other nor undoes it."""


def faults(rng: Random) -> list[tuple[str, Make]]:
    """Return the faults of a short run in an order of its own."""
    drawn = [(" and ".join(names), _at_once(names)) for names in ALWAYS]
    rng.shuffle(drawn)
    return drawn


def _at_once(names: tuple[str, ...]) -> Make:
    known = by_name() | {POINTS: lambda dice: some_busy_points(dice, 4)}
    return lambda dice: Together({name: known[name](dice) for name in names})


def run(folder: Path, seed: int) -> Outcome:
    with town(folder, SHAPE) as running:
        return asyncio.run(play(running, Plan(seed, N_DOSSIERS, PER_SECOND, faults(Random(seed)), IN_STEP_SECONDS)))


def test_nothing_is_lost_doubled_reordered_or_silently_diverged_whatever_fails(tmp_path: Path) -> None:
    seed = int(os.environ.get("CHAOS_SEED") or secrets.randbelow(10**9))
    print(f"\nCHAOS_SEED={seed}")
    outcome = run(tmp_path, seed)
    print(report([outcome], f"seed {seed}"))
    assert outcome.n_dossiers == N_DOSSIERS
    assert all(one.what and "Error)" not in one.what for one in outcome.struck), "a fault did not strike"
    assert outcome.is_good, f"CHAOS_SEED={seed}\n{details([outcome])}"
