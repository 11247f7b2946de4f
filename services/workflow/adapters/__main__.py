"""Runs one adapter: ``python -m services.workflow.adapters bhxh | dvcqg | sample | tax | vbdlis``."""

import sys

import structlog
import uvicorn

from services.workflow.adapters.assembly import TRANSLATORS, make_app
from services.workflow.adapters.config import prefix_of, read
from shared.telemetry import configure_logging

log = structlog.get_logger(__name__)


def main(arguments: list[str]) -> None:
    """Deliver and hear callbacks of one system until interrupted."""
    if len(arguments) != 1 or arguments[0] not in TRANSLATORS:
        sys.exit(f"usage: python -m services.workflow.adapters {' | '.join(TRANSLATORS)}")
    settings = read(arguments[0])
    configure_logging(f"adapter-{settings.system}", settings.common.log_level)
    if not settings.own.callback_secret:
        log.warning(
            "no_callback_secret", system=settings.system, variable=f"{prefix_of(settings.system)}CALLBACK_SECRET"
        )
    uvicorn.run(
        make_app(settings),
        host=settings.common.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
