"""Scorecards: count, work out the points, rank, and say what could not be judged."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.sla import repository
from services.sla.domain.scorecards import Score, Scorecard, Tallies, score, tallies_of, together
from services.sla.handlers.completeness import complete, sentences
from services.sla.handlers.names import Names
from services.sla.handlers.periods import known_until, period_of, require_order, unit_of
from services.sla.handlers.terms import references
from services.sla.repository import Asked, Subject
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


async def index_766(session: Session, ask: IndexAsk, by: Principal) -> Scores:
    """Return the index by receiving unit and in all; Malformed (also if none is in force), Forbidden."""
    require_order(ask)
    card, unit_code = _card(session, INDEX_766, ask), unit_of(ask, by)
    asked = Asked(ask.from_on, ask.to_on, ask.known_until, unit_code)
    found = tallies_of(await repository.sums(session, asked))
    judged = {Subject(code): tallies for code, tallies in found.items()}
    until = known_until(session, ask.known_until)
    await _add_entered(session, card, ask, until, judged, unit_code)
    return await _scores(session, card, ask, until, judged, score(card, together(judged.values())))


async def score_agencies_or_officers(session: Session, ask: ScoringAsk, by: Principal) -> Scores:
    """Return the points of agencies or officers; Malformed (also if no card is in force), Forbidden."""
    period = period_of(ask, by)._replace(unit_code=None)
    card, is_officer = _card(session, f"scoring-{ask.of}", ask), ask.of == "officer"
    judged: dict[Subject, Tallies] = {}
    for ended in await repository.dossiers_ended(session, period, by_officer=is_officer):
        tallies = judged.setdefault(ended.subject, Tallies.empty())
        tallies.verdict[ended.verdict] += ended.n
        tallies.supplement_requests[str(ended.n_supplements)] += ended.n
        if ended.n_supplements > 1:
            tallies.supplemented[ended.n_supplements, ended.verdict] += ended.n
    for legs in await repository.legs_judged(session, period, by_officer=is_officer):
        judged.setdefault(legs.subject, Tallies.empty()).leg_verdict[legs.verdict] += legs.n
    until = known_until(session, None)
    await _add_entered(session, card, ask, until, judged, ask.agency)
    wanted = {one: tallies for one, tallies in judged.items() if ask.agency in {None, one.agency_code}}
    return await _scores(session, card, ask, until, wanted, None)


def _card(session: Session, code: str, ask: IndexAsk | ScoringAsk) -> Scorecard:
    """Return the version in force at the end of the period; Malformed if there is none."""
    card: Scorecard | None = references(session).find("scorecard", code, ask.to_on)
    if card is None:
        vi, en = "Ngày này không có bộ chỉ số nào có hiệu lực", "No scorecard is in force on this day"
        raise Malformed(extra={"errors": [wrong_field("query/to", "no_scorecard", vi, en)]})
    return card


async def _add_entered(
    session: Session, card: Scorecard, ask: IndexAsk | ScoringAsk, until: datetime, judged: dict[Subject, Tallies],
    unit_code: str | None,
) -> None:  # fmt: skip
    for row in await repository.entered(session, card.code, ask.from_on, ask.to_on, until):
        is_of_these = bool(row.officer) == (card.subject == "officer") and unit_code in {None, row.agency_code}
        if is_of_these:
            tallies = judged.setdefault(Subject(row.agency_code, row.officer), Tallies.empty())
            tallies.entered.setdefault(row.part_code, Counter()).update(row.counts)


async def _scores(
    session: Session, card: Scorecard, ask: IndexAsk | ScoringAsk, until: datetime, judged: Judged, total: Score | None
) -> Scores:
    scores = {subject: score(card, judged[subject]) for subject in sorted(judged)}
    return Scores(
        card=card,
        names=Names(session, ask.from_on, ask.to_on),
        known_until=until,
        place_name=getattr(session.info.get("settings"), "place_name", ""),
        scores=scores,
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
