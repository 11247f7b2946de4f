"""Form 06: read the sums, add them up, check that they do, and say under which names and how complete they are."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import structlog

from services.sla import repository
from services.sla.domain.figures import Figures, Judging, figures
from services.sla.domain.report06 import Counts, Grouping, IdentityBroken, Report06, Row, check
from services.sla.handlers.completeness import complete, sentences
from services.sla.handlers.names import SECTIONS, Names
from services.sla.handlers.periods import known_until, require_order, units_of
from services.sla.repository import Asked
from services.sla.schemas.reports import (
    CompletenessRead,
    Correction06Read,
    FiguresRead,
    Report06Ask,
    Report06Read,
    Row06Read,
)
from shared.auth import Principal
from shared.session import Session

log = structlog.get_logger(__name__)

ByCode = Mapping[str, Figures]


@dataclass(frozen=True, slots=True)
class Printed:
    """A report as it is printed, the figures behind each row, and those rows of which more is known by now."""

    report: Report06
    figures: ByCode
    present: ByCode
    labels: Mapping[str, str]
    completeness: CompletenessRead

    @property
    def total(self) -> Figures:
        """The sum of all rows."""
        return _total(self.figures)

    @property
    def corrected(self) -> list[str]:
        """The codes of the rows that would be printed differently now."""
        codes = sorted(self.labels)
        return [code for code in codes if self.figures.get(code, Figures()) != self.present.get(code, Figures())]


async def print_06(session: Session, ask: Report06Ask, by: Principal) -> Printed:
    """Return form 06; Malformed, Forbidden. IdentityBroken, and logged, rather than figures that do not add up."""
    require_order(ask)
    unit_codes = units_of(session, ask, by)
    asked = Asked(ask.from_on, ask.to_on, ask.known_until, unit_codes, ask.by is Grouping.FIELD)
    found = await _figures(session, asked, ask)
    present = found if ask.known_until is None else await _figures(session, asked._replace(known_until=None), ask)
    names = Names(session, ask.from_on, ask.to_on)
    name_of = names.field if ask.by is Grouping.FIELD else names.agency
    labels = {code: name_of(code) for code in sorted({*found, *present})}
    completeness, settings = await complete(session, ask.to_on), session.info.get("settings")
    report = Report06(
        place_name=names.agency(unit_codes[0]) if unit_codes else getattr(settings, "place_name", ""),
        from_on=ask.from_on,
        to_on=ask.to_on,
        grouping=ask.by,
        known_until=known_until(session, ask.known_until),
        rows=tuple(_rows(names, ask.by, found, labels)),
        notes=(*_notes(ask, found), *sentences(completeness)),
        receiving_unit=getattr(settings, "reports_to", ""),
    )
    return Printed(report, found, present, labels, completeness)


async def _figures(session: Session, asked: Asked, ask: Report06Ask) -> ByCode:
    judging = Judging(ask.judged_by == "renewed", ask.count_unfinished_as_on_time)
    return _checked(figures(await repository.sums(session, asked), judging))


def _checked(found: ByCode) -> ByCode:
    """Return figures that add up, row by row and in all."""
    try:
        for code, row in found.items():
            check(row.counts, code)
        check(_total(found).counts)
    except IdentityBroken as broken:
        log.error("identity_broken", faults=str(broken))  # noqa: TRY400 - raised and reported as well
        raise
    return found


def _total(found: ByCode) -> Figures:
    return sum(found.values(), start=Figures())


def _rows(names: Names, by: Grouping, found: ByCode, labels: Mapping[str, str]) -> Iterator[Row]:
    """Yield the rows: fields by code, agencies by administrative level and code."""
    if by is Grouping.FIELD:
        yield from (Row(labels[code], code, found[code].counts) for code in sorted(found))
        return
    order = ["", *SECTIONS.values()]
    rows = [Row(labels[code], code, found[code].counts, names.section(code)) for code in sorted(found)]
    yield from sorted(rows, key=lambda row: order.index(row.section))


def _notes(ask: Report06Ask, found: ByCode) -> Iterator[str]:
    total = _total(found)
    if ask.judged_by == "renewed":
        yield "Hồ sơ đã xin lỗi và hẹn lại được xét theo ngày hẹn lại."
    if ask.count_unfinished_as_on_time:
        yield "Hồ sơ rút, dừng giải quyết hoặc không đủ điều kiện được tính là đúng hạn."
    if total.assisted:
        yield f"Trong số hồ sơ trực tuyến có {total.assisted} hồ sơ do cán bộ nộp hộ."
    if total.saturday_received or total.saturday_resolved:
        yield (
            f"Ngày thứ Bảy: tiếp nhận {total.saturday_received} hồ sơ, giải quyết xong {total.saturday_resolved} hồ sơ "
            "(đã tính trong các cột trên)."
        )


def read_06(printed: Printed) -> Report06Read:
    """Return the report as JSON shows it."""
    report = printed.report
    rows = [
        Row06Read(code=row.code, label=row.label, section=row.section, figures=_read(printed.figures[row.code]))
        for row in report.rows
    ]
    return Report06Read(
        place_name=report.place_name,
        from_on=report.from_on,
        to_on=report.to_on,
        by=report.grouping,
        known_until=report.known_until,
        rows=rows,
        total=_read(printed.total),
        corrections=[_correction(printed, code) for code in printed.corrected],
        completeness=printed.completeness,
        notes=list(report.notes),
    )


def _correction(printed: Printed, code: str) -> Correction06Read:
    was, now_known = (found.get(code, Figures()) for found in (printed.figures, printed.present))
    return Correction06Read(code=code, label=printed.labels[code], as_printed=_read(was), as_known_now=_read(now_known))


def _read(row: Figures) -> FiguresRead:
    derived = {name: getattr(row.counts, name) for name in FiguresRead.model_fields if hasattr(Counts, name)}
    beside = {name: value for name, value in asdict(row).items() if name != "counts"}
    return FiguresRead.model_validate({**asdict(row.counts), **derived, **beside})
