"""The table of a run, or of several whose rounds were kept."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import Any

from tests.chaos.checker.finding import KINDS, Finding
from tests.chaos.conduct import Outcome, Struck
from tests.chaos.faults.partners import LEFT_OUT


def keep(outcome: Outcome, path: Path) -> None:
    """Add a round to a file of rounds."""
    row = asdict(replace(outcome, incidents=Counter())) | {"incidents": dict(outcome.incidents)}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


def kept(path: Path) -> list[Outcome]:
    """Return the rounds of a file."""
    return [_outcome(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _outcome(row: dict[str, Any]) -> Outcome:
    struck = [Struck(**{**one, "fallen": tuple(one["fallen"])}) for one in row["struck"]]
    findings = [Finding(**one) for one in row["findings"]]
    return Outcome(**{**row, "struck": struck, "findings": findings, "incidents": Counter(row["incidents"])})


def report(outcomes: Sequence[Outcome], title: str) -> str:
    """Return verdict, totals, faults by kind and what was left out, as Markdown."""
    findings = Counter(one.kind for outcome in outcomes for one in outcome.findings)
    lines = [title, "", "| lost | doubled | reordered | silently diverged |", "|---|---|---|---|"]
    lines += ["| " + " | ".join(str(findings[kind]) for kind in KINDS) + " |", ""]
    total = {
        "dossiers": sum(one.n_dossiers for one in outcomes),
        "events": sum(one.n_events for one in outcomes),
        "commands acknowledged": sum(one.n_acknowledged for one in outcomes),
        "calls repeated because they had no answer": sum(one.n_repeats for one in outcomes),
        "faults that struck": sum(bool(one.what) for outcome in outcomes for one in outcome.struck),
        "visible incidents at partners": sum(sum(one.incidents.values()) for one in outcomes),
        "lives that did not come to their end": sum(len(one.troubles) for one in outcomes),
        "what still waited at the end": sum(sum(one.left.values()) for one in outcomes),
        "minutes": round(sum(one.seconds for one in outcomes) / 60, 1),
    }
    lines += ["| what | n |", "|---|---|", *(f"| {name} | {n:,} |" for name, n in total.items()), ""]
    lines += [*_faults(outcomes), "", "Left out:", *(f"- {what}: {why}" for what, why in LEFT_OUT.items())]
    incidents = sum((one.incidents for one in outcomes), Counter[str]())
    lines += ["", "Visible incidents:", *(f"- {n} × {what}" for what, n in incidents.most_common())]
    return "\n".join(lines)


def _faults(outcomes: Sequence[Outcome]) -> list[str]:
    """Return a line a fault: how often it struck, and how soon all was in step again."""
    by_name = defaultdict(list)
    for struck in (one for outcome in outcomes for one in outcome.struck):
        by_name[struck.name].append(struck)
    lines = ["| fault | struck | services in step: p50, max | partners in step: p50, max |", "|---|---|---|---|"]
    every = [one for found in by_name.values() for one in found]
    for name, ones in {**by_name, "all": every}.items():
        n, services, partners = sum(bool(o.what) for o in ones), [o.services for o in ones], [o.partners for o in ones]
        lines.append(f"| {name} | {n} of {len(ones)} | {_seconds(services)} | {_seconds(partners)} |")
    return lines


def _seconds(found: list[float | None]) -> str:
    known = [one for one in found if one is not None]
    if not known:
        return "not in time"
    n_never = len(found) - len(known)
    return f"{median(known):.1f} s, {max(known):.1f} s" + (f", {n_never} not in time" if n_never else "")


def details(outcomes: Sequence[Outcome], most: int = 30) -> str:
    """Return what is wrong, line by line."""
    lines = [str(one) for outcome in outcomes for one in outcome.findings][:most]
    lines += [trouble for outcome in outcomes for trouble in outcome.troubles][:most]
    lines += [f"still waiting: {outcome.left}" for outcome in outcomes if outcome.left]
    return "\n".join(lines)
