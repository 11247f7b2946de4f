"""An operator's command on the running local system, with the addresses and the credentials its services have."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local.errors import LaunchError
from deploy.local.folder import ROOT
from deploy.local.programs import credentials

FILE = "environment.json"
PREFIX = "LIENTHONG_"


def keep(data_dir: Path, environment: Mapping[str, str]) -> None:
    """Keep where a system's parts are reached while it runs; no secrets are among it."""
    kept = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    (data_dir / FILE).write_text(json.dumps(kept))


def operate(data_dir: Path, service: str, command: Sequence[str]) -> None:
    """Run ``python -m services.<service> <command>`` beside the system that runs on *data_dir*.

    LaunchError if none was started there; SystemExit with the command's own code.
    """
    try:
        kept = json.loads((data_dir / FILE).read_text())
    except FileNotFoundError:
        msg = f"no system was started on {data_dir}: make run"
        raise LaunchError(msg) from None
    env = {**os.environ, **kept, **credentials(data_dir, service)}
    done = subprocess.run([sys.executable, "-m", f"services.{service}", *command], env=env, cwd=ROOT, check=False)
    sys.exit(done.returncode)
