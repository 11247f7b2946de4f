"""Deadlines against the slow implementation that walks minute by minute: how many of 100,000 random cases differ."""

import os
import random
import time

from tests.bench.table import Row
from tests.unit.shared.oracle import disagreements

N_CASES = int(os.environ.get("LIENTHONG_ORACLE_CASES", "100000"))
SEED = int(os.environ.get("LIENTHONG_ORACLE_SEED", random.randrange(10**6)))


def measure(_: int, share: float) -> list[Row]:
    """Return the number of disagreements and the seconds; once, however many runs: it proves, it does not time."""
    n_cases, n_found, began = int(N_CASES * share), 0, time.perf_counter()
    print(f"seed {SEED}: LIENTHONG_ORACLE_SEED={SEED} asks the same again", flush=True)
    for one in disagreements(n_cases, SEED):
        n_found += 1
        print(one, flush=True)
    return [
        Row(f"of {n_cases:,} random deadlines, how many a walk minute by minute finds elsewhere", [n_found], aim="0"),
        Row("… it took, nearly all of it the walk", [time.perf_counter() - began], "{:,.0f} s"),
    ]
