"""The declarative list of a small system: the real issuer, and fake programs beside it."""

import sys
from pathlib import Path

from deploy.local.programs import Plan, Program, Task, python

FAKE = str(Path(__file__).with_name("fake_program.py"))


def fake(name: str, *words: str) -> Program:
    """Return a fake program called *name*."""
    return Program(name, (sys.executable, FAKE, name, *words), port=0)


def fake_plan(*more: Program) -> Plan:
    """Return a system of the issuer, two fake services and *more*."""
    issuer = Program("issuer", python("deploy.local.issuer"), 0, "issuer", docs_path="")
    note = "import os, pathlib; pathlib.Path(os.environ['LIENTHONG_DATA'], 'migrated').touch()"
    return Plan(
        programs=(issuer, fake("intake"), fake("notify"), *more),
        databases=("lienthong_intake", "lienthong_notify"),
        migrations=(Task("intake-migrate", (sys.executable, "-c", note)),),
    )
