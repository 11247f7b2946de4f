"""Makes databases, topics, migrations and the sample province, in one process: seven would each import it all.

``python -m deploy.local.prepare <folder> <service>…``; what is there already stays as it is. On servers of your own
each service's ``migrate`` and ``load`` do the same for one service.
"""

import asyncio
import sys
from importlib import import_module

from deploy.local.errors import LaunchError
from deploy.local.postgres import make_databases
from deploy.local.topics import make_topics
from shared import migrate
from shared.service import Definition, Service
from shared.settings import Settings


async def prepare(folder: str, services: list[str]) -> None:
    """Bring *services* to their newest revision, then load the reference data they own from *folder*."""
    settings = Settings()
    await make_databases(settings.postgres_url, [f"{settings.database_prefix}{name}" for name in services])
    await make_topics(settings.kafka, prefix=settings.kafka_prefix)
    for name in services:
        await migrate.upgrade(name, settings)
    for name in services:
        definition: Definition = import_module(f"services.{name}.app").definition
        if definition.load is not None:
            service = Service(definition, settings)
            await definition.load(service, folder)
            await service.stop()


if __name__ == "__main__":
    try:
        asyncio.run(prepare(sys.argv[1], sys.argv[2:]))
    except LaunchError as error:
        sys.exit(f"lien-thong: {error}")
