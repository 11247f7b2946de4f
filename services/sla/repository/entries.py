"""The journal of entries and its sums: folding, taking back, and what form 06 adds up."""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import TextClause, text

from services.sla.domain.figures import Sum
from shared.session import Session

FOLD_SIZE = 20_000


async def fold(session: Session) -> int:
    """Add a batch of entries to the sums and return how many; what another worker has in hand is passed over.

    Writers never wait for it: they only add to the journal. Sorted keys keep two workers from a deadlock.
    """
    return await session.scalar(_FOLD, {"size": FOLD_SIZE}) or 0


# Each entry is counted at three levels; of one that says received or resolved also what it does to the pending.
ADD_FOLDED = """
    counted AS (
        SELECT unit_code, field_code, measure, counts_on, known_on, verdict, ending, judged_by,
            CASE measure WHEN 'received' THEN channel ELSE '' END AS channel,
            measure IN ('received', 'resolved') AND extract(isodow FROM counts_on) = 6 AS is_saturday, n
        FROM folded
        UNION ALL
        SELECT unit_code, field_code, 'pending', counts_on, known_on, '', '', '', '', false,
            CASE measure WHEN 'received' THEN n ELSE -n END
        FROM folded WHERE measure IN ('received', 'resolved') AND judged_by = ''
    ), summed AS (
        SELECT level, CASE level WHEN 'field' THEN '' ELSE unit_code END AS unit_code,
            CASE level WHEN 'unit' THEN '' ELSE field_code END AS field_code, measure,
            date_trunc('month', counts_on)::date AS counts_in, date_trunc('month', known_on)::date AS known_in,
            verdict, ending, judged_by, channel, is_saturday, sum(n) AS n
        FROM counted CROSS JOIN unnest(ARRAY['unit', 'field', 'unit_field']) AS level
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    ), added AS (
        INSERT INTO tally SELECT * FROM summed WHERE n <> 0 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
        ON CONFLICT (level, unit_code, field_code, measure, counts_in, known_in, verdict, ending, judged_by, channel,
            is_saturday) DO UPDATE SET n = tally.n + excluded.n
    )
"""
_FOLD = text(f"""
    WITH taken AS MATERIALIZED (
        SELECT id FROM entry WHERE NOT is_folded ORDER BY id LIMIT :size FOR UPDATE SKIP LOCKED
    ), folded AS (
        UPDATE entry SET is_folded = true FROM taken WHERE entry.id = taken.id RETURNING entry.*
    ), {ADD_FOLDED} SELECT count(*) FROM taken
""")  # noqa: S608 - no word of it comes from outside


async def forget_entries(session: Session, dossier_id: UUID) -> None:
    """Take a dossier's entries out of every sum, each of the day that it became known: by entries that undo them."""
    await session.execute(_FORGET, {"dossier_id": dossier_id})


_FORGET = text("""
    INSERT INTO entry (dossier_id, counts_on, known_on, measure, verdict, ending, judged_by,
        unit_code, field_code, procedure_code, channel, n)
    SELECT dossier_id, counts_on, known_on, measure, verdict, ending, judged_by,
        unit_code, field_code, procedure_code, channel, -sum(n)
    FROM entry WHERE dossier_id = :dossier_id
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 HAVING sum(n) <> 0
""")


class Asked(NamedTuple):
    """Which entries are added up: of a period of local dates, as known at the end of a day (None: now).

    *unit_codes*: only of the dossiers that these received.
    """

    from_on: date
    to_on: date
    known_until: date | None = None
    unit_codes: Sequence[str] | None = None
    by_field: bool = False


async def sums(session: Session, asked: Asked) -> list[Sum]:
    """Return the sums of all entries up to the end of a period, in one snapshot: exact at once, folded or not.

    Whole months come from the tally; the days of a month of which only a part is asked for, what was not folded yet,
    and what became known in the month of *known_until* but counts for an earlier one, come from the journal.
    """
    query = _query(asked.by_field, asked.unit_codes is not None, asked.known_until is not None)
    given = {**_bounds(asked), "unit_codes": asked.unit_codes}
    return [Sum._make(row) for row in await session.execute(query, given)]


def _bounds(asked: Asked) -> dict[str, date]:
    """Return the months that are read whole, and the days of the others.

    Whole are the months below *before*, and from *inside* to below *until*. Nothing is known before it happens:
    days after *known_until* need not be looked at.
    """
    known_until = asked.known_until or asked.to_on
    to_on = min(asked.to_on, known_until)
    begins, ends = asked.from_on.replace(day=1), _whole_until(to_on)
    inside = begins if asked.from_on == begins else _whole_until(begins + timedelta(days=31))
    found = {
        "from_on": asked.from_on,
        "before": min(begins, ends),
        "inside": inside,
        "until": max(inside, ends),
        "last_a": min(inside - timedelta(days=1), to_on),
        "last_b": to_on,
    }
    known = {"known_until": known_until, "known_before": _whole_until(known_until)}
    return found | known if asked.known_until is not None else found


def _whole_until(day: date) -> date:
    """Return the first day of the first month that is not over at the end of *day*."""
    return (day + timedelta(days=1)).replace(day=1)


_GROUP = "is_before, measure, verdict, ending, judged_by, channel, is_saturday"
_WHOLE = """(({0} < :before AND measure IN ('pending', 'overdue'))
    OR ({0} >= :inside AND {0} < :until AND measure <> 'pending'))"""
# Of a day before the period only what it does to the pending and to the overdue.
_OF_DAY = """
    SELECT {0}, counts_on < :from_on AS is_before,
        CASE WHEN counts_on < :from_on AND measure <> 'overdue' THEN 'pending' ELSE measure END AS measure,
        CASE WHEN counts_on < :from_on THEN '' ELSE verdict END AS verdict,
        CASE WHEN counts_on < :from_on THEN '' ELSE ending END AS ending, judged_by,
        CASE WHEN counts_on < :from_on OR measure <> 'received' THEN '' ELSE channel END AS channel,
        counts_on >= :from_on AND measure IN ('received', 'resolved') AND extract(isodow FROM counts_on) = 6
            AS is_saturday,
        CASE WHEN counts_on < :from_on AND measure = 'resolved' THEN -n ELSE n END AS n
    FROM entry WHERE (measure <> 'paid' OR counts_on >= :from_on) AND"""


@cache
def _query(by_field: bool, of_unit: bool, as_of: bool) -> TextClause:
    """Return the statement; each part reads another piece of the plane of days counted for and days known."""
    code = "field_code" if by_field else "unit_code"
    level = "unit_field" if by_field and of_unit else "field" if by_field else "unit"
    unit = " AND unit_code = ANY(:unit_codes)" if of_unit else ""
    known = "{0} < :known_before" if as_of else "true"
    until = "known_on <= :known_until" if as_of else "true"
    days = _OF_DAY.format(code)
    is_whole = "(counts_on < :before OR (counts_on >= :inside AND counts_on < :until))"
    parts = [
        f"SELECT {code}, counts_in < :from_on AS is_before, {_GROUP[11:]}, n FROM tally "  # noqa: S608
        f"WHERE level = '{level}' AND {_WHOLE.format('counts_in')} AND {known.format('known_in')}",
        f"{days} NOT is_folded AND {is_whole} AND {known.format('known_on')}",
        f"{days} counts_on BETWEEN :before AND :last_a AND {until}",
        f"{days} counts_on BETWEEN :until AND :last_b AND {until}",
    ]
    if as_of:
        late = "known_on > counts_on AND known_on BETWEEN :known_before AND :known_until"
        parts.append(f"{days} {late} AND {is_whole}")
    seen = " UNION ALL ".join(part + unit for part in parts)
    return text(f"SELECT {code}, {_GROUP}, sum(n)::int AS n FROM ({seen}) AS s GROUP BY {code}, {_GROUP}")  # noqa: S608
