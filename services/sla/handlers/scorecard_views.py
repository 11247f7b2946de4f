"""Scorecards as JSON shows them, and as a table that is printed."""

from collections.abc import Iterator

from services.sla.domain.scorecards import PartScore, Score, Scorecard
from services.sla.handlers.scorecards import Scores
from services.sla.papers.listing import Listing
from services.sla.papers.tables import Value
from services.sla.repository import Subject
from services.sla.schemas.scorecards import (
    CardRead,
    GradeRead,
    PartRead,
    PartScoreRead,
    ScoreRead,
    ScoresRead,
)

ALL = "Toàn địa bàn"


def read_card(card: Scorecard) -> CardRead:
    """Return a version of a scorecard."""
    parts = [
        PartRead(
            **part.model_dump(include={"code", "group", "name", "max_points", "target", "counts", "mark"}),
            group_name=card.groups[part.group],
            outcomes=part.outcomes,
        )
        for part in card.parts
    ]
    grades = [GradeRead(**grade.model_dump()) for grade in card.grades]
    fields = card.model_dump(include={"code", "version", "name", "citation", "mark", "valid_from", "valid_to"})
    return CardRead(**fields, max_points=card.max_points, parts=parts, grades=grades)


def read_scores(found: Scores) -> ScoresRead:
    """Return the points of a period."""
    ranks = found.ranks
    items = [_read(subject, _name(found, subject), one, ranks[subject]) for subject, one in found.scores.items()]
    return ScoresRead(
        place_name=found.place_name,
        from_on=found.names.from_on,
        to_on=found.names.to_on,
        known_until=found.known_until,
        scorecard=read_card(found.card),
        items=items,
        total=_read(Subject(""), ALL, found.total, None) if found.total else None,
        completeness=found.completeness,
        notes=found.notes,
    )


def _name(found: Scores, subject: Subject) -> str:
    name = found.names.agency(subject.agency_code)
    return f"{subject.officer} ({name})" if subject.officer else name


def _read(subject: Subject, name: str, one: Score, rank: int | None) -> ScoreRead:
    return ScoreRead(
        agency_code=subject.agency_code,
        name=name,
        officer=subject.officer or None,
        parts=[_read_part(part) for part in one.parts],
        points=one.points,
        known_max=one.known_max,
        grade=one.grade,
        rank=rank,
    )


def _read_part(one: PartScore) -> PartScoreRead:
    return PartScoreRead(code=one.part.code, counts=dict(one.counts), average=one.average, points=one.points)


def list_scores(found: Scores) -> Listing:
    """Return the points as a table: a row for each, a column for each part."""
    parts = found.card.parts
    ranks = found.ranks
    rows = [
        _row(no, _name(found, subject), one, ranks[subject])
        for no, (subject, one) in enumerate(found.scores.items(), 1)
    ]
    return Listing(
        title=found.card.name,
        number=found.card.citation,
        place_name=found.place_name,
        from_on=found.names.from_on,
        to_on=found.names.to_on,
        known_until=found.known_until,
        heads=("STT", "Đơn vị", *(f"{part.code}\n({part.max_points.normalize():f})" for part in parts), *LAST_HEADS),
        widths=(5, 34, *[max(7.0, 84 / len(parts))] * len(parts), 9, 9, 14, 8),
        rows=(*rows, *((_row(None, ALL, found.total, None),) if found.total else ())),
        notes=(*_legend(found.card), *found.notes),
        is_totalled=found.total is not None,
    )


LAST_HEADS = ("Tổng điểm", "Trên tối đa", "Xếp loại", "Hạng")


def _row(no: int | None, name: str, one: Score, rank: int | None) -> tuple[Value, ...]:
    points = ("–" if part.points is None else part.points for part in one.parts)
    return (no, name, *points, one.points, one.known_max, one.grade or "–", rank)


def _legend(card: Scorecard) -> Iterator[str]:
    """Say what each column is: the heads have only the codes, with the points at most in brackets."""
    for code, name in card.groups.items():
        parts = [f"{part.code} {part.name}" for part in card.parts if part.group == code]
        yield f"{name}: {'; '.join(parts)}."
