"""Runs the benchmarks and prints their tables: ``python -m tests.bench [system] [relay] [consumer] …``."""

import argparse
import sys
from collections.abc import Callable

from shared import telemetry
from shared.main import spare_the_collector
from tests.bench import (
    commands,
    consumer,
    deadlines,
    full_sweep,
    guarantee_cost,
    no_kafka,
    one_adapter,
    oracle,
    recalculation,
    relay,
    report06,
    silent_loss,
    system,
    timers,
)
from tests.bench.table import Row, show

BENCHES: dict[str, Callable[[int, float], list[Row]]] = {
    "system": system.measure,
    "relay": relay.measure,
    "consumer": consumer.measure,
    "commands": commands.measure,
    "deadlines": deadlines.measure,
    "oracle": oracle.measure,
    "full_sweep": full_sweep.measure,
    "report06": report06.measure,
    "silent_loss": silent_loss.measure,
    "no_kafka": no_kafka.measure,
    "one_adapter": one_adapter.measure,
    "guarantee_cost": guarantee_cost.measure,
    "timers": timers.measure,
    "recalculation": recalculation.measure,
}


def main() -> int:
    """Run the named benchmarks, or all of them, *runs* times each."""
    arguments = argparse.ArgumentParser(prog="tests.bench")
    arguments.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHES)}; all if none is named")
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--share", type=float, default=1.0, help="of the usual amount of work, for a quick look")
    given = arguments.parse_args()
    if unknown := set(given.names) - set(BENCHES):
        arguments.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    telemetry.configure_logging("bench", "ERROR")
    spare_the_collector()  # as the process of a service does
    for name in given.names or BENCHES:
        print(f"\n## {name}", flush=True)
        show(BENCHES[name](given.runs, given.share))
    return 0


if __name__ == "__main__":
    sys.exit(main())
