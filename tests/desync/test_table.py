"""After the sixteen: the table that is committed is the one that was seen."""

import os
import re

import pytest

from tests.desync.table import COMMAND, FILE, MODES, WRITE, Table


def test_the_table_is_what_was_seen(table: Table, request: pytest.FixtureRequest) -> None:
    here = [one.name for one in request.session.items if one.path.parent == request.path.parent]
    chosen = {int(found[1]) for name in here if (found := re.match(r"test_(\d\d)_", name))}
    if chosen != MODES.keys():
        pytest.skip("only some of the sixteen were asked for")
    assert table.rows.keys() == MODES.keys(), f"not shown: {sorted(MODES.keys() - table.rows.keys())}"
    print("\n" + table.text())
    if os.environ.get(WRITE):
        FILE.write_text(table.text(), encoding="utf-8")
    written = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
    assert written == table.text(), f"docs/desync.md is not what was seen: run {COMMAND}"
