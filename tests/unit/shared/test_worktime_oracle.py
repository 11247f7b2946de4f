"""Deadlines against a second, slow implementation (``oracle``); ``make bench`` asks it far more."""

import os
import random

from tests.unit.shared.oracle import disagreements

N_CASES = int(os.environ.get("LIENTHONG_ORACLE_CASES", "2000"))
SEED = int(os.environ.get("LIENTHONG_ORACLE_SEED", random.randrange(10**6)))


def test_deadlines_agree_with_a_walk_minute_by_minute() -> None:
    print(f"oracle: {N_CASES} cases, seed {SEED}")
    assert list(disagreements(N_CASES, SEED)) == []
