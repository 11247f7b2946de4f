"""The suite bites: the example and our own runtime pass all of it, and each mutant of the example fails its check."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy.conformance.suite import CHECKS, examine
from deploy.conformance.town import Town

EXAMPLE = Path(__file__).resolve().parents[3] / "docs" / "examples" / "adapter.mjs"
GUIDE = EXAMPLE.parents[1] / "adapter-guide.md"
OURS = f"env PYTHONPATH={EXAMPLE.parents[2]} {sys.executable} -m deploy.conformance.ours"
NODE = Path(sys.executable).with_name("node")
MUTANTS = {
    "says taken and sends nothing": (
        "order",
        'const { said, ...none } = await theirs("POST", "/changes", JSON.stringify(change));',
        'return { answer: "taken" };',
        "the register holds nothing",
    ),
    "takes any 200 for a yes": (
        "positive",
        "return { said: answer.status === 200 ? await answer.json() : null };",
        "return { said: answer.status === 200 ? { ok: true, number: 1 } : null };",
        "said taken, and nothing was written",
    ),
    "takes a 502 for a refusal": (
        "gateway",
        'return { answer: "no_effect", reason_code: String(answer.status) }',
        'return { answer: "refused", reason_code: String(answer.status) }',
        "refused",
    ),
    "repeats blindly after a time-out": (
        "timeout",
        'delivery.state === "unknown" ? await observe(delivery) : "absent"',
        '"absent"',
        "was not read first",
    ),
    "insists on an answer under an old fence": (
        "fence",
        "fence: delivery.fence, ...result }));",
        "fence: delivery.fence, ...result }).then(r => { if (r.status === 409) throw new Error(); return r; }));",
        "times more",
    ),
    "repeats what the system said word for word": ("refused", '.replaceAll(full_name, "…")', "", "particulars"),
    "gives messages ids of its own": (
        "said",
        "message_id: said.id",
        "message_id: crypto.randomUUID()",
        "the system calls it",
    ),
    "answers yes to what was parked": ("parked", '["applied", ', '["parked", "applied", ', "the system heard yes"),
    "does not look at signatures": ("signature", "return 401", "stopping", "answered "),
    "handles one dossier after the other": (
        "together",
        "running.add(task);",
        "running.add(task); await task;",
        "nothing of other dossiers",
    ),
    "writes what it sends into its log": (
        "private",
        "  if (none.answer) return none;",
        "  log(full_name);\n  if (none.answer) return none;",
        "output.log",
    ),
}


def shape(call: str, sent: bytes | str, answer: bytes | str) -> str:
    """Return the names in a request and its answer, whatever their values."""
    return f"{call} {[_names(json.loads(one)) if one else '' for one in (sent, answer)]}"


def _names(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((name, _names(one)) for name, one in value.items())
    return [_names(one) for one in value[:1]] if isinstance(value, list) else ""


def guide_examples() -> list[tuple[str, str]]:
    """Return the requests that the guide shows, and the shape of each with its answer."""
    blocks = re.findall(r"```http\n(.*?)\n(.*?)\n?200\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    return [(first, shape(first.split("?")[0].split("/")[-1], sent, answer)) for first, sent, answer in blocks]


def test_the_guide_shows_every_call_of_the_example() -> None:
    assert [title.split("?")[0].split("/")[-1] for title, _ in guide_examples()] == [
        "lease", "applicant", "ack", "ack", "messages",
    ]  # fmt: skip


async def test_the_example_passes_every_check(town: Town, tmp_path: Path) -> None:
    findings = await examine(town, f"{NODE} {EXAMPLE}", tmp_path, CHECKS)
    assert {one.name: one.seen for one in findings if not one.passed} == {}
    assert len(findings) == len(CHECKS)
    seen = {shape(one.path.split("/")[-1], one.sent, one.answer) for one in town.door.passages}
    assert [title for title, wanted in guide_examples() if wanted not in seen] == []


async def test_our_own_runtime_passes_every_check(town: Town, tmp_path: Path) -> None:
    findings = await examine(town, OURS, tmp_path, CHECKS)
    assert {one.name: one.seen for one in findings if not one.passed} == {}
    assert len(findings) == len(CHECKS)


@pytest.mark.parametrize("mutant", MUTANTS)
async def test_a_mutant_fails_its_check(town: Town, tmp_path: Path, mutant: str) -> None:
    check, was, becomes, clue = MUTANTS[mutant]
    source = EXAMPLE.read_text()
    assert source.count(was) == 1
    changed = tmp_path / "mutant.mjs"
    changed.write_text(source.replace(was, becomes))
    own = tmp_path / "own"
    own.mkdir()
    [finding] = await examine(town, f"{NODE} {changed}", own, [check])
    assert not finding.passed
    assert clue in finding.seen


def test_the_example_is_short() -> None:
    assert len(EXAMPLE.read_text().splitlines()) <= 100
