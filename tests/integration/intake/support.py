"""What tests of intake share: dossiers at a certain point, what the others say, what intake says."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
from sqlalchemy import select

from shared.events import FACTS
from shared.events.base import Fact
from shared.tables import EventRow, HeadRow
from shared.timeline import Draft, Event, record
from tests.integration.intake.test_reception import UNIT, command, submit
from tests.simulation.memory import MemoryHead
from tests.support import World

F = TypeVar("F", bound=Fact)
PAID_AT = "2026-11-20T09:00:00+07:00"


async def accepted(intake: World) -> UUID:
    """Return a dossier that was submitted and accepted; its version is 2."""
    made = (await submit(intake)).json()
    await command(intake, made["id"], "accept", 1)
    return UUID(made["id"])


async def said_by(intake: World, dossier_id: UUID, facts: Sequence[Fact]) -> list[Event]:
    """Return events of one other service that has seen what intake said so far, and nothing else."""
    async with intake.service("intake").sessions() as session:
        row = await session.get_one(HeadRow, dossier_id)
    source = facts[0].source
    head = MemoryHead(dossier_id, row.time, {"intake": row.entry("intake"), source: row.entry(source)})
    now = datetime.now(UTC)
    return [record(source, head, Draft(uuid4(), fact.type_name(), fact.encode()), now) for fact in facts]


async def tell(intake: World, dossier_id: UUID, *facts: Fact) -> None:
    """Have facts of one other service applied."""
    assert await intake.service("intake").inbox.apply(await said_by(intake, dossier_id, facts)) == len(facts)


async def published(intake: World, dossier_id: UUID, *kinds: type[F]) -> list[F]:
    """Return what intake published about a dossier, of some kinds only."""
    query = select(EventRow).where(EventRow.dossier_id == dossier_id).order_by(EventRow.seq)
    async with intake.service("intake").sessions() as session:
        rows = list(await session.scalars(query))
    facts = [FACTS[row.type].model_validate_json(row.data) for row in rows]
    return [fact for fact in facts if isinstance(fact, kinds)]


async def read(intake: World, dossier_id: UUID, what: str = "") -> httpx.Response:
    """Read a dossier, or something under it, as an officer of its unit."""
    token = intake.issuer.token("officer", agency=UNIT)
    return await intake.call("intake", "GET", f"/v1/dossiers/{dossier_id}{what}", token=token)


async def pay(intake: World, dossier_id: UUID, notice_no: str, amount: int, *, language: str = "vi") -> httpx.Response:
    """Hand in the voucher of a notice."""
    proof = {"notice_no": notice_no, "amount": amount, "paid_at": PAID_AT, "method": "portal", "reference": "GD 1"}
    headers = {"Idempotency-Key": str(uuid4()), "Accept-Language": language}
    path, token = f"/v1/dossiers/{dossier_id}/payments", intake.issuer.token("portal")
    return await intake.call("intake", "POST", path, token=token, json=proof, headers=headers)


async def notices(intake: World, dossier_id: UUID) -> dict[str, str]:
    """Return what became of each notice: unpaid, paid or void."""
    items: list[dict[str, Any]] = (await read(intake, dossier_id, "/payments")).json()["items"]
    return {item["notice_no"]: _fate(item) for item in items}


def _fate(item: dict[str, Any]) -> str:
    return "void" if item["voided_at"] else "paid" if item["paid_at"] else "unpaid"
