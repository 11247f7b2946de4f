"""How long relay and reader rest after a batch: what came meanwhile goes together, and costs little more than one."""

SHORTEST_SECONDS = 0.02
LONGEST_SECONDS = 0.12


def pause_after(busy_seconds: float, *, is_full: bool) -> float:
    """Return the seconds to rest after a batch that took *busy_seconds*: the busier, the larger the next batch.

    The first event after a quiet time is never delayed: the pause follows the work. After a batch that *is_full* there
    is none: more is waiting, and could not go together with it.
    """
    return 0.0 if is_full else min(LONGEST_SECONDS, max(SHORTEST_SECONDS, 2 * busy_seconds))
