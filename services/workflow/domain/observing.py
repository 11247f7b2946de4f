"""What an observation says: in step, on its way, or diverged; when a dossier is looked at next; when repair stops."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from services.workflow.domain.incidents import Find, Kind

State = Mapping[str, Any]
LAST = "has_last"
ODD = ("doubled", "missing", "out_of_order")
"""What an incident says of a log."""


class Verdict(StrEnum):
    """How a dossier stands in a system."""

    IN_STEP = "in_step"
    PENDING = "pending"
    """Lag: what differs is on its way, or was not looked at yet."""
    DIVERGED = "diverged"
    """It contradicts what the system had taken."""
    SETTLED = "settled"
    """It contradicts, and a person has said that it stays so."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a dossier in a system; None where the system does not show it."""

    exists: bool = True
    state: State = field(default_factory=dict)
    """Fields of the picture."""
    stands_at: int | None = None
    """The change of ours whose state is shown."""
    has_last: bool | None = None
    """Whether the last change that it had taken is to be seen there."""
    log: Sequence[int] | None = None
    """Our changes in its log, as they stand there."""

    def shows(self, theirs: State | None) -> bool:
        """Say whether what an incident says of *theirs* was looked at again; a dossier that is gone shows nothing."""
        parts = {"stands_at": self.stands_at, LAST: self.has_last, **dict.fromkeys(ODD, self.log)}
        shown = {*self.state, *(name for name, value in parts.items() if value is not None)}
        return self.exists and shown.issuperset(theirs or ())


@dataclass(frozen=True, slots=True)
class Known:
    """What we know of a dossier in a system."""

    told_no: int
    """The last change it has taken; 0: none yet, or what it should show is a person's word alone."""
    last_no: int
    """The last change that there is."""
    told: State
    """The picture that came with it: what it should show."""
    ours: State
    """The picture as it is now; where it differs from *told*, that is on its way."""
    at: State | None = None
    """The picture that came with the change at which it stands."""
    log: Sequence[int] = ()
    """The changes that should be in its log, in order."""
    was_seen: bool = False
    """It was seen there before: now gone, somebody deleted it; else it never arrived."""
    owned: frozenset[str] = frozenset()
    """The fields that are ours to bring back."""


def judge(seen: Seen, known: Known) -> list[Find]:
    """Return what contradicts what the system has taken, one of a kind; what is on its way contradicts nothing."""
    if known.told_no == 0:
        return []
    if not seen.exists:
        return [Find(Kind.MISSING, dict(known.told), dict(known.ours), None, None if known.was_seen else 1)]
    return [*(list(_in_fields(seen, known)) or _in_last(seen, known)), *_in_log(seen, known)]


def verdict_of(seen: Seen, known: Known, finds: Sequence[Find]) -> Verdict:
    """Return the verdict; what equals our present state is in step, what equals only what was told is lag."""
    if finds:
        return Verdict.DIVERGED
    is_ours = seen.exists and all(same(value, known.ours.get(name)) for name, value in seen.state.items())
    return Verdict.IN_STEP if is_ours else Verdict.PENDING


def _in_fields(seen: Seen, known: Known) -> Iterator[Find]:
    """A state of ours that is older is told anew; of what somebody changed there only our own fields are.

    A state that is not acknowledged yet is on its way: it contradicts nothing.
    """
    if (seen.stands_at or 0) > known.last_no:
        yield Find(Kind.DIVERGED, None, {"stands_at": known.told_no}, {"stands_at": seen.stands_at}, known.told_no)
        return
    wrong = [name for name in seen.state if _contradicts(name, seen, known)]
    at = known.at if seen.stands_at is not None else None
    changed = [name for name in wrong if at is None or not same(seen.state[name], at.get(name))]
    if not wrong or (seen.stands_at or 0) > known.told_no:
        return
    kind: Kind = Kind.DIVERGED
    first: int | None = (seen.stands_at or 0) + 1
    if any(not same(known.told.get(name), known.ours.get(name)) for name in changed):
        kind, first = Kind.CONFLICT, None
    elif changed:
        first = (seen.stands_at or known.told_no) if known.owned.issuperset(changed) else None
    base, ours, theirs = (_only(side, wrong) for side in (known.told, known.ours, seen.state))
    yield Find(kind, base, ours, theirs, first)


def _contradicts(name: str, seen: Seen, known: Known) -> bool:
    return not any(same(seen.state[name], side.get(name)) for side in (known.told, known.ours))


def _in_last(seen: Seen, known: Known) -> Iterator[Find]:
    if seen.has_last is False:
        yield Find(Kind.DIVERGED, None, {"last_no": known.told_no}, {"has_last": False}, known.told_no)


def _in_log(seen: Seen, known: Known) -> Iterator[Find]:
    """Lines that are missing at the end are told again, in order; nothing else can be mended by adding lines."""
    if seen.log is None:
        return
    there = [no for no in seen.log if no in set(known.log)]
    firsts = list(dict.fromkeys(there))
    odd = {
        "doubled": sorted(no for no, n in Counter(there).items() if n > 1),
        "missing": [no for no in known.log if no not in firsts],
        "out_of_order": [no for place, no in enumerate(firsts) if no < max(firsts[:place], default=0)],
    }
    if any(odd.values()):
        is_cut_off = there == list(known.log[: len(there)])
        theirs = {name: nos for name, nos in odd.items() if nos}
        yield Find(Kind.LOG, None, {"n_lines": len(known.log)}, theirs, odd["missing"][0] if is_cut_off else None)


def _only(state: State, names: Iterable[str]) -> dict[str, Any]:
    return {name: state.get(name) for name in names}


def same(one: Any, other: Any) -> bool:
    """Say whether two values are the same; instants are to the second, whatever their offset: nobody writes finer."""
    return bool(_plain(one) == _plain(other))


def _plain(value: Any) -> Any:
    if isinstance(value, str) and len(value) >= 20 and value[4:5] == "-" and "T" in value:
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return value
    return value.astimezone(UTC).replace(microsecond=0) if isinstance(value, datetime) else value


def pause_after(age: timedelta, first: timedelta, longest: timedelta) -> timedelta:
    """Return how long until the next look at a dossier that has been as it is for *age*: as long again."""
    return min(max(age, first), longest)


def trips(n_diverged: int, n_dossiers: int, *, at_least: int, percent: float) -> bool:
    """Say whether so much has diverged that a machine should not go on repairing."""
    return n_diverged >= at_least and n_diverged * 100 > n_dossiers * percent
