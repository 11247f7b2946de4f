"""A launcher of its own: runs a system, one program deaf to SIGTERM, on the folder of its first argument."""

import sys
from pathlib import Path

from deploy.local.__main__ import guarded, serve
from deploy.local.report import Loud
from deploy.local.stack import Stack
from tests.integration.deploy.plan import fake, fake_plan

if __name__ == "__main__":
    report = Loud()
    stack = Stack(Path(sys.argv[1]), plan=fake_plan(fake("sla", "deaf")), ports="free", report=report)
    sys.exit(guarded(lambda: serve(stack, report)))
