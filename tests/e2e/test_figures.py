"""A small place through the code of ``make figures``: real engines, real ledgers, sla as a process, reports by HTTP."""

import json
from pathlib import Path

from deploy.figures.compare import compare
from deploy.figures.place import Place, read_places
from deploy.figures.system import run

UNITS = [
    {"code": "N.MC", "name": "Bộ phận Một cửa huyện Nhỏ", "online": 25, "counter": 15, "carried_over": 12},
    {"code": "N.XA", "name": "Bộ phận Một cửa xã Nhỏ", "level": "commune", "online": 5, "counter": 8},
    {"code": "N.TNMT", "name": "Phòng Nhỏ", "kind": "district_division", "suspended": 4},
    {"code": "N.THUE", "name": "Thuế Nhỏ", "kind": "tax_branch", "suspended": 2},
]
FIGURES = {
    "received": "65", "received_new": "53", "carried_over": "12", "online": "30", "counter_post": "23",
    "online_percent": "56.6", "resolved": "56", "early": "30", "early_percent": "53.57", "on_time": "20", "late": "6",
    "pending": "9", "in_time": "6", "overdue": "3", "not_granted": "2", "granted": "54", "saturday_received": "3",
    "saturday_resolved": "3", "refused": "6", "refused:N.TNMT": "4", "refused:N.THUE": "2", "received:N.XA": "13",
    "n_procedures": "5", "n_fields": "2",
}  # fmt: skip
SMALL = {
    "code": "nho", "name": "Huyện Nhỏ", "source": "phép thử", "from_on": "2022-01-01", "to_on": "2022-11-14",
    "units": UNITS,
    "fields": [{"code": "a", "name": "A", "n_procedures": 3}, {"code": "b", "name": "B", "n_procedures": 2}],
    "outcomes": {"early": 30, "on_time": 20, "late": 6, "in_time": 6, "overdue": 3}, "not_granted": 2, "saturdays": 3,
    "rows": [
        *({"label": figure, "figure": figure, "published": value} for figure, value in FIGURES.items()),
        {"label": "bối cảnh", "published": "tốt"},
    ],
}  # fmt: skip


def test_a_small_place_comes_out_to_the_digit(tmp_path: Path) -> None:
    file, told = tmp_path / "place.json", []
    file.write_text(json.dumps(SMALL), encoding="utf-8")
    place = Place.model_validate(SMALL)
    reports = run(place, file, tmp_path / "data", lambda what, n, of: told.append((what, n, of)))
    differ = [(row.row.label, row.row.published, row.ours) for row in compare(place, reports) if not row.is_good]
    assert differ == []
    assert ("written", 65, 65) in told
    assert ("refused", 6, 6) in told


def test_the_places_of_the_documents_add_up() -> None:
    for place in read_places():
        n_received = sum(unit.online + unit.counter + unit.carried_over for unit in place.units)
        assert n_received == place.n_dossiers, place.code
        held = place.outcomes.get("in_time", 0) + place.outcomes.get("overdue", 0)
        assert sum(unit.suspended for unit in place.units) <= held
