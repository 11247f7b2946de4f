"""Runs the benchmarks and prints their tables: ``python -m tests.bench [lifecycles] [deadlines] …``."""

import argparse
import sys
from collections.abc import Callable

from tests.bench import deadlines, system

BENCHES: dict[str, Callable[[int], None]] = {"system": system.main, "deadlines": deadlines.main}


def main() -> int:
    """Run the named benchmarks, or all of them, *runs* times each."""
    arguments = argparse.ArgumentParser(prog="tests.bench")
    arguments.add_argument("names", nargs="*", choices=[*BENCHES, []], default=[])
    arguments.add_argument("--runs", type=int, default=3)
    given = arguments.parse_args()
    for name in given.names or BENCHES:
        print(f"\n## {name}")
        BENCHES[name](given.runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
