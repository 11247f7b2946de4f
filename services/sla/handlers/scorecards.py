"""Scorecards: count, work out the points, rank, and say what could not be judged."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from services.sla import repository
from services.sla.domain.scorecards import Score, Scorecard, Tallies, score, tallies_of, together
from services.sla.handlers.completeness import complete, sentences
from services.sla.handlers.names import Names
from services.sla.handlers.periods import known_until, period_of, require_order, units_of
from services.sla.handlers.terms import references
from services.sla.repository import Asked, Subject
from services.sla.repository.reports import Period
from services.sla.schemas.reports import CompletenessRead
from services.sla.schemas.scorecards import IndexAsk, ScoringAsk
from shared.auth import Principal
from shared.errors import Malformed, wrong_field
from shared.session import Session

INDEX_766 = "index-766"
Judged = Mapping[Subject, Tallies]


@dataclass(frozen=True, slots=True)
class Scores:
    """The points by *card* of each subject, and of all together where that means something."""

    card: Scorecard
    names: Names
    known_until: datetime
    place_name: str
    scores: Mapping[Subject, Score]
    total: Score | None
    completeness: CompletenessRead

    @property
    def ranks(self) -> dict[Subject, int]:
        """The place of each by its points; equal points share one."""
        points = sorted((one.points for one in self.scores.values()), reverse=True)
        return {subject: points.index(one.points) + 1 for subject, one in self.scores.items()}

    @property
    def notes(self) -> list[str]:
        """What a reader has to know: from where the indices are, what is missing."""
        return [*_notes(self), *sentences(self.completeness)]


class _Question(NamedTuple):
    """By which card, for which period, as known until when, and of which agencies alone if any are named."""

    session: Session
    card: Scorecard
    ask: IndexAsk | ScoringAsk
    until: datetime
    agency_codes: Sequence[str] | None


async def index_766(session: Session, ask: IndexAsk, by: Principal) -> Scores:
    """Return the index by receiving unit and in all; Malformed (also if none is in force), Forbidden."""
    require_order(ask)
    card, unit_codes = _card(session, INDEX_766, ask), units_of(session, ask, by)
    question = _Question(session, card, ask, known_until(session, ask.known_until), unit_codes)
    sums = await repository.sums(session, Asked(ask.from_on, ask.to_on, ask.known_until, unit_codes))
    counted = {Subject(code): tallies for code, tallies in tallies_of(sums).items()}
    judged = await _with_entered(question, counted)
    return await _scores(question, judged, score(card, together(judged.values())))


async def score_agencies_or_officers(session: Session, ask: ScoringAsk, by: Principal) -> Scores:
    """Return the points of agencies or officers; Malformed (also if no card is in force), Forbidden."""
    period, card = period_of(session, ask, by), _card(session, f"scoring-{ask.of}", ask)
    question = _Question(session, card, ask, known_until(session, None), period.unit_codes)
    counted = await _counted(session, period, by_officer=ask.of == "officer")
    return await _scores(question, await _with_entered(question, counted), None)


def _card(session: Session, code: str, ask: IndexAsk | ScoringAsk) -> Scorecard:
    """Return the version in force at the end of the period; Malformed if there is none."""
    card: Scorecard | None = references(session).find("scorecard", code, ask.to_on)
    if card is None:
        vi, en = "Ngày này không có bộ chỉ số nào có hiệu lực", "No scorecard is in force on this day"
        raise Malformed(extra={"errors": [wrong_field("query/to", "no_scorecard", vi, en)]})
    return card


async def _counted(session: Session, period: Period, *, by_officer: bool) -> dict[Subject, Tallies]:
    """Return what the dossiers and legs of a period say of those who had them in hand."""
    found: dict[Subject, Tallies] = defaultdict(Tallies.empty)
    for ended in await repository.dossiers_ended(session, period, by_officer=by_officer):
        tallies = found[ended.subject]
        tallies.verdict[ended.verdict] += ended.n
        tallies.supplement_requests[str(ended.n_supplements)] += ended.n
        if ended.n_supplements > 1:
            tallies.supplemented[ended.n_supplements, ended.verdict] += ended.n
    for legs in await repository.legs_judged(session, period, by_officer=by_officer):
        found[legs.subject].leg_verdict[legs.verdict] += legs.n
    return found


async def _with_entered(question: _Question, counted: Judged) -> Judged:
    """Return what was counted together with what people entered, of the agencies that are asked for."""
    session, card, ask, until, agency_codes = question
    found = defaultdict(Tallies.empty, counted)
    for row in await repository.entered(session, card.code, ask.from_on, ask.to_on, until):
        if bool(row.officer) == (card.subject == "officer"):
            entered = found[Subject(row.agency_code, row.officer)].entered
            entered.setdefault(row.part_code, Counter()).update(row.counts)
    return {one: tallies for one, tallies in found.items() if agency_codes is None or one.agency_code in agency_codes}


async def _scores(question: _Question, judged: Judged, total: Score | None) -> Scores:
    session, card, ask, until, _ = question
    return Scores(
        card=card,
        names=Names(session, ask.from_on, ask.to_on),
        known_until=until,
        place_name=getattr(session.info.get("settings"), "place_name", ""),
        scores={subject: score(card, judged[subject]) for subject in sorted(judged)},
        total=total,
        completeness=await complete(session, ask.to_on),
    )


def _notes(found: Scores) -> Iterator[str]:
    card = found.card
    yield f"Theo {card.citation}." + (f" Mức độ chắc chắn của nguồn: {card.mark}." if card.mark else "")
    entered = [part.code for part in card.parts if part.counts is None]
    if entered:
        yield f"Số liệu của các chỉ số {', '.join(entered)} do đơn vị nhập kèm văn bản."
    unknown = {one.part.code for of_it in found.scores.values() for one in of_it.parts if one.points is None}
    if unknown:
        missing = ", ".join(part.code for part in card.parts if part.code in unknown)
        yield f"Chưa đủ số liệu cho các chỉ số {missing} (–): tính 0 điểm, chưa xếp loại."
