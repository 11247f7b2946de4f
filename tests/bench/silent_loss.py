"""A silent loss: a partner says yes and has nothing; how long until that is seen, and until the dossier is there.

The adapter, workflow and all their intervals are as they are by default; only the partner is told to lose.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from uuid import UUID

import uvloop
from sqlalchemy import text

from deploy.local.serving import serving
from services.workflow.adapters.assembly import make_app
from services.workflow.adapters.config import Common, Own, Settings
from tests.bench.inside import running_engines
from tests.bench.table import Row
from tests.integration.adapters.town import Town, town
from tests.support import Databases, eventually, free_port, issuing

N_LOSSES = 24
SYSTEM, CALL = "bhxh", "TiepNhanHoSo"
MENDED = text("""
    SELECT repaired_at, since FROM standing
    WHERE dossier_id = :id AND system = 'bhxh' AND verdict = 'in_step' AND n_repairs > 0
""")
Loss = tuple[float, float]
"""Seconds from the false yes until it was seen, and until the dossier was seen to be there after all."""


def measure(runs: int, share: float) -> list[Row]:
    """Return p50 and the longest of the losses of each run."""
    n = max(1, int(N_LOSSES * share))
    with running_engines() as found:
        every = [uvloop.run(_run(Databases(found), n)) for _ in range(runs)]
    seen, mended = ([[loss[part] for loss in losses] for losses in every] for part in (0, 1))
    return [
        Row(f"silent loss → seen, p50 of {n}", list(map(median, seen)), "{:.1f} s", "< 15 s"),
        Row(f"silent loss → seen, longest of {n}", list(map(max, seen)), "{:.1f} s", "< 15 s"),
        Row(f"silent loss → told again and in step, longest of {n}", list(map(max, mended)), "{:.1f} s"),
    ]


async def _run(databases: Databases, n: int) -> list[Loss]:
    with TemporaryDirectory() as folder:
        async with issuing(Path(folder)) as issuer, town(databases, issuer) as here:
            await here.bhxh.faults({"kind": "silent_loss", "next_calls": n, "calls": [CALL]})
            dossiers = [await here.for_bhxh() for _ in range(n)]
            async with _adapter(here):
                return [await _loss(here, dossier_id, code) for dossier_id, code in dossiers]


@asynccontextmanager
async def _adapter(here: Town) -> AsyncIterator[None]:
    issuer, intake = here.world.issuer, here.world.settings["intake"]
    common = Common(
        mode="local",
        sandbox_url=str(here.client.base_url).rstrip("/"),
        workflow_url=here.front_url,
        intake_url=intake.url("intake"),
        token_url=f"{issuer.url}/token",
        client_secret=issuer.secret(SYSTEM),
    )
    async with serving(make_app(Settings(SYSTEM, common, Own())), free_port()):
        yield


async def _loss(here: Town, dossier_id: UUID, code: str) -> Loss:
    async def there() -> tuple[datetime, datetime] | None:
        async with here.workflow.sessions() as session:
            found = await session.execute(MENDED, {"id": dossier_id})
        return (found[0].repaired_at, found[0].since) if found else None

    seen_at, mended_at = await eventually(there, seconds=120)
    calls = await here.bhxh.log(dossier=code, call=CALL, limit=200)
    lost_at = max(datetime.fromisoformat(one["at"]) for one in calls if not one["took_effect"])
    return (seen_at - lost_at).total_seconds(), (mended_at - lost_at).total_seconds()
