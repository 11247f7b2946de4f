"""A route, or a dossier on its route, as an SVG picture with Vietnamese labels; drawn without any library."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from html import escape
from textwrap import wrap

from services.workflow.domain.graph import ranks
from services.workflow.domain.legs import LegLike, LegStatus
from services.workflow.domain.route import RECEIVING_UNIT, Final, Route, RouteLeg, Serving

BOX = 340
CHIP = 210
GAP_X = 50
GAP_Y = 58
MARGIN = 40
LANE = 26
LANE_LABEL = 150
HEADER = 74
FOOTER = 70

FINAL_TEXT: Mapping[Final, str] = {"granted": "Kết thúc: trả kết quả", "not_granted": "Kết thúc: không giải quyết"}
GROUNDS = {
    "tax_determination": "cơ quan thuế xác định nghĩa vụ",
    "financial_obligation": "người dân thực hiện nghĩa vụ tài chính",
}
STATUS_TEXT = {
    LegStatus.OFFERED: "chờ tiếp nhận",
    LegStatus.IN_PROGRESS: "đang xử lý",
    LegStatus.COMPLETED: "đã xong",
    LegStatus.RETURNED: "đã chuyển trả",
    LegStatus.REFUSED: "từ chối nhận",
    LegStatus.CANCELLED: "đã hủy",
}
ENDED_TEXT = {
    "open": "đang giải quyết",
    "granted": "đã có kết quả",
    "not_granted": "đã có kết quả: không giải quyết",
    "withdrawn": "người dân rút hồ sơ",
    "stopped": "dừng giải quyết",
}

STYLE = """
text{font-family:'Be Vietnam Pro','Noto Sans','DejaVu Sans',Arial,sans-serif;fill:#1f2933}
.title{font-size:20px;font-weight:700}.sub{font-size:12.5px;fill:#52606d}
.task{font-size:14px;font-weight:700}.line{font-size:12.5px}.soft{font-size:11.5px;fill:#52606d;font-style:italic}
.box{fill:#fff;stroke:#7b8794;stroke-width:1.4}.applicant{stroke-dasharray:6 4;fill:#fbf8f1}
.excluded .bar{fill:#d9a441}.counted .bar{fill:#2f6fb0}
.offered .box{fill:#fff3d6;stroke:#c98a14}.in_progress .box{fill:#e1efff;stroke:#2f6fb0;stroke-width:2.4}
.completed .box{fill:#e5f6e9;stroke:#3a8f52}.returned .box,.refused .box{fill:#fde9dd;stroke:#c65d21}
.cancelled .box{fill:#f0f1f3;stroke:#9aa5b1}.badge{font-size:11.5px;font-weight:700}
.edge{fill:none;stroke:#7b8794;stroke-width:1.5}.label{font-size:11.5px;fill:#334e68}
.halo{font-size:11.5px;stroke:#fff;stroke-width:4px;fill:#fff}
.granted rect{fill:#3a8f52}.not_granted rect{fill:#b23a48}.end{font-size:11.5px;fill:#fff;font-weight:700}
.start{fill:#334e68}.starttext{font-size:12.5px;fill:#fff;font-weight:700}
"""


@dataclass
class _Box:
    """Where a leg is drawn, and its lines as (CSS class, text)."""

    leg: RouteLeg
    lines: list[tuple[str, str]]
    chips: list[tuple[Final, list[str]]]
    status: str = ""
    x: float = 0
    y: float = 0

    @property
    def height(self) -> float:
        return max(
            24 + 18 * len(self.lines) + (14 if self.status else 0),
            sum(self.chip_height(lines) + 8 for _, lines in self.chips) + 8,
        )

    @property
    def width(self) -> float:
        return BOX + (CHIP + 24 if self.chips else 0)

    @property
    def middle(self) -> float:
        return self.x + BOX / 2

    @staticmethod
    def chip_height(lines: list[str]) -> float:
        return 10 + 15 * len(lines)


@dataclass
class _Edge:
    """An arrow from one leg to another, with the outcomes that lead along it."""

    source: _Box
    target: _Box
    labels: list[str] = field(default_factory=list)


def draw(
    route: Route,
    agency_names: Mapping[str, str],
    *,
    title: str = "",
    states: Mapping[str, LegLike] | None = None,
    ended: str = "",
) -> str:
    """Return the SVG of *route*; with *states* (the last leg by its code) that of a dossier on it."""
    boxes = {leg.code: _box(leg, agency_names, (states or {}).get(leg.code)) for leg in route.legs}
    rank = ranks(route.graph)
    edges = _edges(route, boxes)
    n_lanes = sum(_is_long(edge, rank) for edge in edges)
    left = MARGIN + (LANE_LABEL + LANE * n_lanes if n_lanes else 0)
    width, height = _place(boxes, rank, left, HEADER + (62 if title else 46))
    width = max(width, _words_end(edges), MARGIN * 2 + 12 * len(title or route.name), 640)
    parts = [*_heading(route, title, ended), *_start(route, boxes), *_edge_svg(edges, rank, left)]
    parts += [part for box in boxes.values() for part in _box_svg(box)]
    parts += _legend(height + 26, is_dossier=states is not None)
    return _document(width, height + FOOTER, f"{route.name} – {title}" if title else route.name, parts)


def _document(width: float, height: float, name: str, parts: Iterable[str]) -> str:
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    arrow = (
        '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="#7b8794"/></marker></defs>'
    )
    back = f'<rect width="{width:g}" height="{height:g}" fill="#fff"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(name)}">'
    return "\n".join([head, f"<style>{STYLE}</style>", arrow, back, *parts, "</svg>"])


def _text(css: str, x: float, y: float, words: str, *, anchor: str = "start") -> str:
    return f'<text class="{css}" text-anchor="{anchor}" x="{x:g}" y="{y:g}">{escape(words)}</text>'


# What is in a box


def _box(leg: RouteLeg, agency_names: Mapping[str, str], state: LegLike | None) -> _Box:
    lines = [("task", line) for line in wrap(leg.task, 38)]
    lines += [("line", line) for line in wrap(_holder(leg, agency_names, state), 43)]
    lines += [("line", line) for line in wrap(_length(leg), 44)]
    notes = [f"Chỉ khi: {leg.when_label}" if leg.when else "", leg.automatic_label, _join_note(leg)]
    lines += [("soft", line) for note in notes if note for line in wrap(note, 48)]
    chips = [(o.final, [*wrap(o.name, 32), FINAL_TEXT[o.final]]) for o in leg.outcomes if o.final is not None]
    return _Box(leg, lines, chips, state.status if state else "")


def _holder(leg: RouteLeg, agency_names: Mapping[str, str], state: LegLike | None) -> str:
    who = getattr(state, "agency_code", None) or leg.agency
    if leg.holder == "applicant":
        return "Người dân"
    if isinstance(who, Serving):
        return who.name
    return "Đơn vị tiếp nhận (Một cửa)" if who == RECEIVING_UNIT else agency_names.get(str(who), str(who))


def _length(leg: RouteLeg) -> str:
    length = f"{vietnamese(leg.days)} ngày làm việc" if leg.days else ""
    if leg.excluded_ground is None:
        return length
    ground = f"không tính vào thời hạn ({GROUNDS.get(leg.excluded_ground, leg.excluded_ground)})"
    return f"{length}, {ground}" if length else ground.capitalize()


def vietnamese(days: Decimal) -> str:
    """Return a number of days with a decimal comma."""
    return f"{days.normalize():f}".replace(".", ",")


def _join_note(leg: RouteLeg) -> str:
    return "Chờ đủ kết quả của các chặng song song" if leg.is_join else ""


# Where things are


def _place(boxes: Mapping[str, _Box], rank: Mapping[str, int], left: float, top: float) -> tuple[float, float]:
    """Set the places of the boxes, row by row; return the width and the height needed."""
    rows = [[boxes[code] for code in boxes if rank[code] == n] for n in range(max(rank.values()) + 1)]
    axis = left + max(sum(BOX for _ in row) + GAP_X * (len(row) - 1) for row in rows) / 2
    y = top
    for row in rows:
        x = axis - (BOX * len(row) + GAP_X * (len(row) - 1)) / 2
        for box in row:
            box.x, box.y = x, y
            x += box.width + GAP_X
        y += max(box.height for box in row) + GAP_Y
    right = max(box.x + box.width for row in rows for box in row)
    return right + MARGIN, y - GAP_Y


def _words_end(edges: Iterable[_Edge]) -> float:
    """Return where the longest label beside an arrow ends, roughly."""
    return max((edge.source.middle + 20 + 6.6 * min(len(" / ".join(edge.labels)), 52) for edge in edges), default=0)


def _edges(route: Route, boxes: Mapping[str, _Box]) -> list[_Edge]:
    edges: dict[tuple[str, str], _Edge] = {}
    for leg in route.legs:
        for outcome in leg.outcomes:
            for code in outcome.next:
                edge = edges.setdefault((leg.code, code), _Edge(boxes[leg.code], boxes[code]))
                edge.labels.append(outcome.name)
    return list(edges.values())


def _is_long(edge: _Edge, rank: Mapping[str, int]) -> bool:
    return rank[edge.target.leg.code] - rank[edge.source.leg.code] > 1


# Lines


def _edge_svg(edges: Iterable[_Edge], rank: Mapping[str, int], left: float) -> Iterator[str]:
    lane = 0
    for edge in edges:
        if _is_long(edge, rank):
            lane += 1
            yield from _around(edge, left - LANE * lane)
        else:
            yield from _down(edge)


def _down(edge: _Edge) -> Iterator[str]:
    x0, y0, x1, y1 = edge.source.middle, edge.source.y + edge.source.height, edge.target.middle, edge.target.y
    bend = (y0 + y1) / 2
    path = f"M{x0:g} {y0:g}V{y1:g}" if x0 == x1 else f"M{x0:g} {y0:g}V{bend:g}H{x1:g}V{y1:g}"
    yield f'<path class="edge" d="{path}" marker-end="url(#arrow)"/>'
    if len(edge.source.leg.outcomes) == 1 and edge.source.leg.holder == "agency" and x0 == x1:
        return  # nothing to choose from
    is_fork = any(len(outcome.next) > 1 for outcome in edge.source.leg.outcomes)
    if not is_fork or x1 <= x0:
        yield from _label(" / ".join(edge.labels), x0 + 9, y0 + 17 if x0 != x1 else bend + 4)


def _around(edge: _Edge, x: float) -> Iterator[str]:
    """Draw an arrow that passes other rows, on the left side."""
    y0, y1 = edge.source.y + edge.source.height * 0.66, edge.target.y + edge.target.height * 0.34
    path = f"M{edge.source.x:g} {y0:g}H{x + 8:g}Q{x:g} {y0:g} {x:g} {y0 + 8:g}V{y1 - 8:g}Q{x:g} {y1:g} {x + 8:g} {y1:g}"
    yield f'<path class="edge" d="{path}H{edge.target.x:g}" marker-end="url(#arrow)"/>'
    for n, line in enumerate(wrap(" / ".join(edge.labels), 22)):
        yield _text("label", x - 8, y0 + 22 + 15 * n, line, anchor="end")


def _label(words: str, x: float, y: float) -> Iterator[str]:
    for n, line in enumerate(wrap(words, 52)[:2]):
        for css in ("halo", "label"):
            yield _text(css, x, y + 14 * n, line)


# Boxes, heading, legend


def _box_svg(box: _Box) -> Iterator[str]:
    kind = "excluded" if box.leg.excluded_ground else "counted"
    applicant = " applicant" if box.leg.holder == "applicant" else ""
    yield f'<g class="{kind} {box.status}">'
    yield f'<rect class="box{applicant}" x="{box.x:g}" y="{box.y:g}" width="{BOX}" height="{box.height:g}" rx="9"/>'
    yield f'<rect class="bar" x="{box.x:g}" y="{box.y + 9:g}" width="5" height="{box.height - 18:g}" rx="2"/>'
    for n, (css, line) in enumerate(box.lines):
        yield _text(css, box.x + 18, box.y + 25 + 18 * n, line)
    if box.status:
        words = STATUS_TEXT[LegStatus(box.status)]
        yield _text("badge", box.x + BOX - 12, box.y + box.height - 9, words, anchor="end")
    yield "</g>"
    yield from _chips(box)


def _chips(box: _Box) -> Iterator[str]:
    total = sum(box.chip_height(lines) + 8 for _, lines in box.chips) - 8
    y = box.y + (box.height - total) / 2
    for final, lines in box.chips:
        height, x = box.chip_height(lines), box.x + BOX + 24
        yield f'<path class="edge" d="M{box.x + BOX:g} {y + height / 2:g}H{x - 1:g}" marker-end="url(#arrow)"/>'
        yield f'<g class="{final}"><rect x="{x:g}" y="{y:g}" width="{CHIP}" height="{height:g}" rx="10"/>'
        for n, line in enumerate(lines):
            yield _text("end", x + CHIP / 2, y + 17 + 15 * n, line, anchor="middle")
        yield "</g>"
        y += height + 8


def _heading(route: Route, title: str, ended: str) -> Iterator[str]:
    until = f" đến {route.valid_to:%d/%m/%Y}" if route.valid_to else ""
    validity = f"Quy trình {route.code}, phiên bản {route.version}, áp dụng từ {route.valid_from:%d/%m/%Y}{until}"
    above = f"{title} – {ENDED_TEXT.get(ended, ended)}" if title else route.name
    below = f"{validity}; thời hạn {vietnamese(route.days)} ngày làm việc"
    yield _text("title", MARGIN, 38, above)
    for n, line in enumerate([f"{route.name}." if title else "", below][not title :]):
        yield _text("sub", MARGIN, 60 + 17 * n, line)


def _start(route: Route, boxes: Mapping[str, _Box]) -> Iterator[str]:
    first = [boxes[code] for code in route.start]
    x = sum(box.middle for box in first) / len(first)
    y = min(box.y for box in first)
    for box in first:
        yield f'<path class="edge" d="M{x:g} {y - 18:g}H{box.middle:g}V{box.y:g}" marker-end="url(#arrow)"/>'
    yield f'<rect class="start" x="{x - 80:g}" y="{y - 38:g}" width="160" height="22" rx="11"/>'
    yield _text("starttext", x, y - 22.5, "Hồ sơ được tiếp nhận", anchor="middle")


def _legend(y: float, *, is_dossier: bool) -> Iterator[str]:
    marks = [("#2f6fb0", "tính vào thời hạn"), ("#d9a441", "không tính vào thời hạn")]
    if is_dossier:
        marks += [
            ("#fff3d6", "chờ tiếp nhận"),
            ("#e1efff", "đang xử lý"),
            ("#e5f6e9", "đã xong"),
            ("#f0f1f3", "đã hủy"),
        ]
    x = float(MARGIN)
    for color, words in marks:
        yield f'<rect x="{x:g}" y="{y:g}" width="14" height="14" rx="3" fill="{color}" stroke="#9aa5b1"/>'
        yield _text("sub", x + 20, y + 11.5, words)
        x += 44 + 7.2 * len(words)
