"""The command line every service has: ``python -m services.<name> api | worker | all | migrate | load FOLDER``."""

import asyncio
import gc
import sys

import uvicorn

from shared import migrate, telemetry
from shared.service import Definition, Service, make_app
from shared.settings import Settings

ROLES = ("api", "worker", "all")
STOP_SECONDS = 5
KEEP_ALIVE_SECONDS = 75
COLLECT_AFTER = (20_000, 20, 50)
"""New objects, younger and older collections before the next one (see ``gc``)."""


def main(definition: Definition, settings: Settings, arguments: list[str] | None = None) -> None:
    """Run one role of a service, migrate its database, or load the reference data it owns."""
    match arguments if arguments is not None else sys.argv[1:]:
        case ["migrate"]:
            asyncio.run(migrate.upgrade(definition.name, settings))
        case ["load", folder]:
            asyncio.run(_load(definition, settings, folder))
        case [role] if role in ROLES:
            _serve(definition, settings, role)
        case _:
            sys.exit(f"usage: python -m services.{definition.name} {' | '.join(ROLES)} | migrate | load FOLDER")


def _serve(definition: Definition, settings: Settings, role: str) -> None:
    telemetry.configure_logging(definition.name, settings.log_level)
    app = make_app(definition, settings, role)
    _spare_the_collector()
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port(definition.name),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


def _spare_the_collector() -> None:
    """Keep what lives as long as the process out of every collection, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


async def _load(definition: Definition, settings: Settings, folder: str) -> None:
    if definition.load is None:
        sys.exit(f"{definition.name} owns no reference data")
    service = Service(definition, settings)
    await definition.load(service, folder)
    await service.stop()
