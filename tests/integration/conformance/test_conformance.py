"""The suite bites: the example passes all of it, and each mutant of the example fails at its own check."""

import sys
from pathlib import Path

import pytest

from deploy.conformance.suite import CHECKS, examine
from deploy.conformance.town import Town

EXAMPLE = Path(__file__).resolve().parents[3] / "docs" / "examples" / "adapter.mjs"
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


async def test_the_example_passes_every_check(town: Town, tmp_path: Path) -> None:
    findings = await examine(town, f"{NODE} {EXAMPLE}", tmp_path, CHECKS)
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
