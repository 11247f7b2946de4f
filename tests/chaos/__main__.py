"""The suite: ``python -m tests.chaos [--seed N] [--dossiers N] [--times N] [--only FAULT …] [--family F …]``.

``--keep FILE`` adds its rounds to a file, ``--sum FILE`` plays nothing and prints the table of all rounds in it.
"""

import argparse
import asyncio
import secrets
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

from tests.chaos.conduct import Outcome, Plan, play
from tests.chaos.faults import FAMILIES, QUORUM, Make, by_name
from tests.chaos.lives import WEIGHTS
from tests.chaos.logs import complaints
from tests.chaos.report import details, keep, kept, report
from tests.chaos.town import Shape, town

SECONDS_PER_FAULT = 15.0
"""The first guess; then the load is spread so that it lasts as long as the faults do."""


def main() -> int:
    """Play rounds, print the table; 0 if nothing was lost, doubled, reordered or silently diverged."""
    asked = _parser().parse_args()
    if asked.sum is not None:
        print(report(kept(asked.sum), "all rounds"))
        return 0
    outcomes: list[Outcome] = []
    print(f"chaos: seed {asked.seed}", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for plan in _plans(asked):
            outcomes.append(_round(plan, asked))
            print(details([outcomes[-1]]), flush=True)
            if asked.keep is not None:
                keep(outcomes[-1], asked.keep)
    except KeyboardInterrupt:
        print("stopped: only what came to its end is counted")
    print(report(outcomes, f"seed {asked.seed}"))
    return 0 if outcomes and all(one.is_good for one in outcomes) else 1


def _plans(asked: argparse.Namespace) -> Iterator[Plan]:
    """Yield a plan a round; dossiers are shared out by the number of faults."""
    rng = Random(asked.seed)
    rounds = _rounds(asked, rng)
    per_fault = asked.dossiers / sum(len(faults) for _, faults in rounds)
    for number, (title, faults) in enumerate(rounds, 1):
        n_dossiers = max(len(WEIGHTS), round(per_fault * len(faults)))
        print(f"round {number}: {title}, {len(faults)} faults, {n_dossiers} dossiers", flush=True)
        yield Plan(rng.randrange(10**9), n_dossiers, per_fault / SECONDS_PER_FAULT, faults)


def _round(plan: Plan, asked: argparse.Namespace) -> Outcome:
    is_quorum = any(name in FAMILIES[QUORUM] for name, _ in plan.faults)
    shape = Shape(3 if is_quorum else asked.brokers, ("workflow",))
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder, town(Path(folder), shape) as running:
        outcome = asyncio.run(play(running, plan))
        for what, n in complaints(Path(folder) / "log").most_common(25):
            print(f"          {n:5} × {what}")
        return outcome


def _rounds(asked: argparse.Namespace, rng: Random) -> list[tuple[str, list[tuple[str, Make]]]]:
    """Return a round a family, or one with the faults that were asked for."""
    if asked.only:
        known = by_name()
        return [("as asked", [(name, known[name]) for name in asked.only for _ in range(asked.times)])]
    found = []
    for family in asked.family or FAMILIES:
        faults = FAMILIES[family]
        drawn = [(name, make) for name, make in faults.items() for _ in range(asked.times)]
        rng.shuffle(drawn)
        found.append((family, drawn))
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
    parser.add_argument("--dossiers", type=int, default=700, help="in all rounds together")
    parser.add_argument("--times", type=int, default=1, help="how often each fault of a round strikes")
    parser.add_argument(
        "--only", action="append", choices=sorted(by_name()), metavar="FAULT", help="strike with this one"
    )
    parser.add_argument("--family", action="append", choices=tuple(FAMILIES), help="play the round of this family")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="add the rounds to a file")
    parser.add_argument("--sum", type=Path, metavar="FILE", help="print the table of a file's rounds")
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=1)
    return parser


if __name__ == "__main__":
    sys.exit(main())
