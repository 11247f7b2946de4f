"""Shorter pauses and leases, so that a minute shows what an hour would: the mechanism is measured, not its patience."""

from datetime import timedelta
from importlib import import_module

HURRIED = "hurried"


def hurry(module: str) -> None:
    """Let a service wait for seconds where it would wait for minutes; *module* is the service that is to run."""
    if module == "services.notify":
        import_module("services.notify.repository").LEASE.text = "interval '8 seconds'"
        import_module("services.notify.jobs").__dict__["LONGEST_TRY_SECONDS"] = 6
        import_module("services.notify.domain").__dict__.update(
            {"BACK_OFF_SECONDS": (1, 2), "LONGEST_PAUSE_SECONDS": 2}
        )
    if module == "services.workflow":
        import_module("services.workflow.domain.deliveries").__dict__["LONGEST_PAUSE"] = timedelta(seconds=2)
