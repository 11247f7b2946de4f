"""The command line every service has: ``python -m services.<name> --help``."""

import argparse
import asyncio
import gc
import sys
from datetime import datetime
from uuid import UUID

import uvicorn
from aiokafka.errors import KafkaError

from shared import migrate, telemetry
from shared.peers import PeerAway
from shared.recover import Report, recover
from shared.replay import Range, rebuild, replay
from shared.service import Definition, Service, make_app
from shared.settings import Settings
from shared.timeline import SOURCES

ROLES = {"api": "answer requests", "worker": "read, relay and do timed work", "all": "both in one process"}
STOP_SECONDS = 5
KEEP_ALIVE_SECONDS = 75
COLLECT_AFTER = (20_000, 20, 50)
"""New objects, younger and older collections before the next one (see ``gc``)."""


def main(definition: Definition, settings: Settings, arguments: list[str] | None = None) -> None:
    """Run one role of a service, migrate its database, load the reference data it owns, or put it right."""
    given = _parser(definition.name).parse_args(arguments)
    match given.command:
        case "migrate":
            asyncio.run(migrate.upgrade(definition.name, settings))
        case "load":
            asyncio.run(_load(definition, settings, given.folder))
        case "recover" | "replay" | "rebuild":
            asyncio.run(_put_right(definition, settings, given))
        case role:
            _serve(definition, settings, role)


def _parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m services.{name}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for role, what in ROLES.items():
        commands.add_parser(role, help=what)
    commands.add_parser("migrate", help="bring the database to its newest revision")
    commands.add_parser("load", help="load the reference data it owns").add_argument("folder")
    commands.add_parser("recover", help="bring back what a database restored from a backup lacks")
    again = commands.add_parser("replay", help="apply what others' ledgers have and was not applied: all, or a part")
    again.add_argument("--dossier", type=UUID, help="one dossier")
    again.add_argument("--since", type=datetime.fromisoformat, help="what was written since an instant with an offset")
    again.add_argument("--source", choices=SOURCES, action="append", help="of one service; may be repeated")
    anew = commands.add_parser("rebuild", help="derive the state of dossiers anew from the ledgers")
    which = anew.add_mutually_exclusive_group(required=True)
    which.add_argument("--dossier", type=UUID, action="append", help="one dossier; may be repeated")
    which.add_argument("--all", action="store_true", help="every dossier")
    return parser


def _serve(definition: Definition, settings: Settings, role: str) -> None:
    telemetry.configure_logging(definition.name, settings.log_level)
    app = make_app(definition, settings, role)
    spare_the_collector()
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


def spare_the_collector() -> None:
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


async def _put_right(definition: Definition, settings: Settings, given: argparse.Namespace) -> None:
    """Recover, replay or rebuild; say what came of it, and end with 1 if a person has to look at something."""
    service = Service(definition, settings)
    try:
        await service.references.refresh()
        report = await _report(service, given)
    except (PeerAway, KafkaError) as error:
        sys.exit(f"{definition.name}: Kafka and the other services have to run for this ({error})")
    finally:
        await service.stop()
    print(*report.lines(), sep="\n")  # noqa: T201 - an operator reads it
    if report.failed:
        sys.exit(1)


async def _report(service: Service, given: argparse.Namespace) -> Report:
    if given.command == "recover":
        return await recover(service)
    if given.command == "replay":
        sources = tuple(given.source or service.watch.others)
        return await replay(service, Range(sources, given.dossier, given.since))
    if service.definition.forget is None:
        sys.exit(f"{service.definition.name} owns its state, nothing of it is derived: see recover and replay")
    return await rebuild(service, given.dossier)
