"""Our own runtime under the suite: ``python -m deploy.conformance.ours`` turns the guide's names into its own."""

import os

from deploy.conformance.town import SYSTEM
from services.workflow.adapters.__main__ import main
from services.workflow.adapters.config import prefix_of

NAMES = {
    "PORT": "CALLBACK_PORT",
    **{name: name for name in ("SYSTEM_URL", "CALLBACK_SECRET", "CALL_SECONDS", "LEASE_SECONDS", "POLL_SECONDS")},
}
"""What it reads ← what every adapter under test is told (docs/adapter-guide.md)."""

if __name__ == "__main__":
    os.environ |= {prefix_of(SYSTEM) + own: os.environ[f"LIENTHONG_{told}"] for own, told in NAMES.items()}
    main([SYSTEM])
