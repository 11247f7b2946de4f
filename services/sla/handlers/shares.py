"""Online filing with assisted filing apart, and Saturdays: the same figures as form 06, looked at from another side."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from services.sla.domain.figures import Figures
from services.sla.domain.report06 import Grouping, percent
from services.sla.handlers.report06 import Printed
from services.sla.papers.listing import Listing
from services.sla.papers.report06 import OF_ROWS, TOTAL
from services.sla.papers.tables import Value
from services.sla.schemas.reports import (
    OnlineFigures,
    OnlineRead,
    OnlineRow,
    SaturdayFigures,
    SaturdayRead,
    SaturdayRow,
)


def online_of(row: Figures) -> OnlineFigures:
    """Return by which way the dossiers received in a period came in."""
    counts = row.counts
    return OnlineFigures(
        received=counts.received_new,
        online=counts.online,
        self_filed=counts.online - row.assisted,
        assisted=row.assisted,
        counter_post=counts.counter_post,
        online_percent=percent(counts.online, counts.received_new),
        self_filed_percent=percent(counts.online - row.assisted, counts.received_new),
    )


def saturday_of(row: Figures) -> SaturdayFigures:
    """Return what of a period was received, and what was resolved, on Saturdays."""
    received, resolved = row.counts.received_new, row.counts.resolved
    return SaturdayFigures(
        received=received,
        received_on_saturday=row.saturday_received,
        resolved=resolved,
        resolved_on_saturday=row.saturday_resolved,
        received_percent=percent(row.saturday_received, received),
        resolved_percent=percent(row.saturday_resolved, resolved),
    )


def read_online(printed: Printed) -> OnlineRead:
    """Return online filing by agency or field."""
    rows = [
        OnlineRow(code=row.code, label=row.label, figures=online_of(printed.figures[row.code]))
        for row in printed.report.rows
    ]
    return OnlineRead(**_about(printed), rows=rows, total=online_of(printed.total))


def read_saturday(printed: Printed) -> SaturdayRead:
    """Return Saturdays by agency or field."""
    rows = [
        SaturdayRow(code=row.code, label=row.label, figures=saturday_of(printed.figures[row.code]))
        for row in printed.report.rows
    ]
    return SaturdayRead(**_about(printed), rows=rows, total=saturday_of(printed.total))


def _about(printed: Printed) -> dict[str, Any]:
    report = printed.report
    return {
        "place_name": report.place_name,
        "from_on": report.from_on,
        "to_on": report.to_on,
        "by": report.grouping,
        "known_until": report.known_until,
        "corrected": printed.corrected,
        "completeness": printed.completeness,
    }


ONLINE_HEADS = (
    "Tiếp nhận trong kỳ", "Trực tuyến", "Người dân tự nộp", "Cán bộ nộp hộ", "Trực tiếp, dịch vụ bưu chính",
    "Tỷ lệ trực tuyến (%)", "Tỷ lệ tự nộp (%)",
)  # fmt: skip
SATURDAY_HEADS = (
    "Tiếp nhận trong kỳ", "Trong đó thứ Bảy", "Giải quyết trong kỳ", "Trong đó thứ Bảy",
    "Tỷ lệ tiếp nhận thứ Bảy (%)", "Tỷ lệ giải quyết thứ Bảy (%)",
)  # fmt: skip


def list_online(printed: Printed) -> Listing:
    """Return online filing as a table."""
    return _listing(printed, "Hồ sơ nộp trực tuyến", ONLINE_HEADS, online_of)


def list_saturday(printed: Printed) -> Listing:
    """Return Saturdays as a table."""
    return _listing(printed, "Hồ sơ tiếp nhận và giải quyết ngày thứ Bảy", SATURDAY_HEADS, saturday_of)


def _listing(
    printed: Printed, title: str, heads: tuple[str, ...], of: Callable[[Figures], OnlineFigures | SaturdayFigures]
) -> Listing:
    report = printed.report
    rows = [(no, row.label, *_values(of(printed.figures[row.code]))) for no, row in enumerate(report.rows, 1)]
    return Listing(
        title=f"{title} theo {'lĩnh vực' if report.grouping is Grouping.FIELD else 'đơn vị'}",
        number="",
        place_name=report.place_name,
        from_on=report.from_on,
        to_on=report.to_on,
        known_until=report.known_until,
        heads=("STT", OF_ROWS[report.grouping], *heads),
        widths=(6, 44, *[13.0] * len(heads)),
        rows=(*rows, (None, TOTAL, *_values(of(printed.total)))),
        notes=report.notes,
    )


def _values(figures: OnlineFigures | SaturdayFigures) -> list[Value]:
    values = [getattr(figures, name) for name in type(figures).model_fields]
    return [Decimal(f"{value:.2f}") if isinstance(value, float) else value for value in values]
