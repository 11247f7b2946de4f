"""The town of the adapters' tests with all four systems, and what the sixteen modes need to look at."""

import contextlib
import os
import sys
from asyncio.subprocess import Process, create_subprocess_exec
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from deploy.local.serving import serving
from services.workflow.adapters.assembly import make_app
from services.workflow.adapters.config import Common, Own, Settings
from shared.clock import Clock
from tests.integration.adapters.town import QUICK, SECRET
from tests.integration.adapters.town import Town as Base
from tests.integration.sandbox.partners import Partner
from tests.support import PROVINCE, eventually, free_port

SYSTEMS = ("bhxh", "dvcqg", "tax", "vbdlis")
PORTAL = {
    "username": "lienthong", "password": "chi-de-thu", "unit_code": "H99", "dstcode": "G99",
    "procedures": str(PROVINCE / "procedures"),
}  # fmt: skip
SUPPLEMENT = {"ground": "supplement", "component_codes": ["GCN"], "note": "Thiếu bản chính"}
PAPERS = {"components": [{"code": "GCN", "n_originals": 1}]}


class Town(Base):
    """Everything a test touches."""

    def partner(self, system: str) -> Partner:
        """Return an outside system."""
        return Partner(system, self.client)

    @contextlib.asynccontextmanager
    async def adapter(self, system: str, **own: Any) -> AsyncIterator[str]:
        """Run the adapter of any of the four systems; the last one that was started hears the callbacks."""
        services: dict[str, Any] = {
            "workflow_url": self.front_url, "intake_url": self.world.settings["intake"].url("intake"),
            "token_url": f"{self.world.issuer.url}/token", "client_secret": self.world.issuer.secret(system),
        }  # fmt: skip
        services["clock"] = self.workflow.settings.clock
        common = Common(mode="local", sandbox_url=str(self.client.base_url).rstrip("/"), **services)
        given = {**QUICK, "looks_at_once": 4, **(PORTAL if system == "dvcqg" else {}), **own}
        async with serving(
            make_app(Settings(system, common, Own(callback_secret=SECRET, **given))), free_port()
        ) as url:
            body = {"url": f"{url}/callbacks", "secret": SECRET, "check_calls": True, "first_pause_seconds": 0.05}
            answer = await self.partner(system).put("callback", {**body, "longest_pause_seconds": 0.2})
            assert answer.status_code == 200, answer.text
            yield url

    @contextlib.asynccontextmanager
    async def process(self, system: str) -> AsyncIterator[Process]:
        """Run an adapter as a process of its own; it is killed in the end, if it still lives."""
        own = f"LIENTHONG_{system.upper()}_"
        environment = {
            **os.environ, "LIENTHONG_MODE": "local", "LIENTHONG_WORKFLOW_URL": self.front_url,
            "LIENTHONG_INTAKE_URL": self.world.settings["intake"].url("intake"),
            "LIENTHONG_TOKEN_URL": f"{self.world.issuer.url}/token",
            "LIENTHONG_CLIENT_SECRET": self.world.issuer.secret(system),
            "LIENTHONG_SANDBOX_URL": str(self.client.base_url), f"{own}PORT": str(free_port()),
            f"{own}CALLBACK_SECRET": SECRET, f"{own}POLL_SECONDS": "0.1",
        }  # fmt: skip
        running = await create_subprocess_exec(
            sys.executable, "-m", "services.workflow.adapters", system, env=environment
        )
        try:
            yield running
        finally:
            with contextlib.suppress(ProcessLookupError):
                running.kill()
            await running.wait()

    async def forget(self) -> None:
        """Let nobody be told, or look at, what earlier tests left; empty the sandbox and turn its faults off."""
        await self.execute("UPDATE delivery SET next_try_at = NULL WHERE next_try_at IS NOT NULL")
        await self.execute("UPDATE standing SET look_at = NULL WHERE look_at IS NOT NULL")
        for system in SYSTEMS:
            await self.partner(system).reset()

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        """Run a statement on workflow's database."""
        async with self.workflow.sessions.begin() as session:
            return list(await session.execute(text(statement), values))

    async def execute(self, statement: str) -> None:
        """Run a statement without rows on workflow's database."""
        async with self.workflow.sessions.begin() as session:
            await session.execute(text(statement))

    @contextlib.asynccontextmanager
    async def no_commit(self, of: str, when: str) -> AsyncIterator[None]:
        """Let PostgreSQL refuse to commit what does *of* (such as INSERT) to a delivery for which *when* holds."""
        await self.execute(
            "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no commit'; END $$"
        )
        await self.execute(
            f"CREATE CONSTRAINT TRIGGER spoil AFTER {of} ON delivery DEFERRABLE INITIALLY DEFERRED"
            f" FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION spoil()"
        )
        try:
            yield
        finally:
            await self.execute("DROP TRIGGER spoil ON delivery")
            await self.execute("DROP FUNCTION spoil")

    async def pauses_end(self) -> None:
        """Let what waits for its next try be tried now; leases stay."""
        await self.execute(
            "UPDATE delivery SET next_try_at = clock_timestamp()"
            " WHERE next_try_at > clock_timestamp() AND leased_until IS NULL"
        )

    async def tried(self, system: str, dossier_id: UUID, n: int) -> dict[str, Any]:
        """Wait until the first delivery that was not taken was tried *n* times, and answered."""

        async def there() -> dict[str, Any] | None:
            await self.pauses_end()
            waiting = [one for one in await self.lane(system, dossier_id) if one["acknowledged_at"] is None]
            head = waiting[0] if waiting else None
            return head if head and head["n_tries"] >= n and head["leased_until"] is None else None

        reached: dict[str, Any] = await eventually(there)
        return reached

    async def told(self, system: str, dossier_id: UUID, state: str = "done") -> list[dict[str, Any]]:
        """Wait until every delivery of a lane is in *state*; pauses between tries are cut short."""

        async def there() -> list[dict[str, Any]] | None:
            await self.pauses_end()
            lane = await self.lane(system, dossier_id)
            return lane if {one["state"] for one in lane} == {state} else None

        reached: list[dict[str, Any]] = await eventually(there)
        return reached

    async def refused(self, system: str, dossier_id: UUID) -> dict[str, Any]:
        """Wait until a delivery of a lane is refused; pauses between tries are cut short."""

        async def there() -> dict[str, Any] | None:
            await self.pauses_end()
            return next((one for one in await self.lane(system, dossier_id) if one["state"] == "refused"), None)

        reached: dict[str, Any] = await eventually(there)
        return reached

    async def leased(self, system: str, dossier_id: UUID) -> None:
        """Wait until the first delivery of a lane is on its way."""

        async def there() -> bool:
            return (await self.lane(system, dossier_id))[0]["leased_until"] is not None

        await eventually(there)

    async def behind(self) -> set[str]:
        """Return the systems that ops see as not having taken everything."""
        items = (await self._workflow("GET", "/v1/systems", "ops")).json()["items"]
        return {one["code"] for one in items if one["waiting"]}

    async def incidents(self, dossier_id: UUID) -> list[dict[str, Any]]:
        """Return the open incidents of a dossier."""
        items = (await self._workflow("GET", "/v1/incidents?limit=200", "ops")).json()["items"]
        return [one for one in items if one["dossier_id"] == str(dossier_id)]

    async def dismiss(self, incident: dict[str, Any]) -> None:
        """Settle an incident as a person of ops."""
        body = {"action": "dismiss", "note": "đã gọi điện cho cơ quan"}
        await self._workflow("POST", f"/v1/incidents/{incident['id']}/resolve", "ops", json=body)

    async def parked(self, system: str, code: str) -> list[str]:
        """Return why messages about a dossier are parked."""
        found = await self._workflow("GET", f"/v1/systems/{system}/messages?status=parked&limit=200", "ops")
        return [one["detail"] for one in found.json()["items"] if one["dossier_code"] == code]

    @contextlib.contextmanager
    def days_later(self, days: float) -> Iterator[None]:
        """Let the business clock of workflow, and of adapters that start, be so many days on."""
        service, real = self.workflow, datetime.now(UTC)
        text = f"{(real + timedelta(days=days)).isoformat()}@{real.isoformat()}x1"
        before, service.clock = service.clock, Clock.parse(text)
        service.sessions.info["clock"], service.settings.clock = service.clock, text
        try:
            yield
        finally:
            service.clock, service.settings.clock = before, ""
            service.sessions.info["clock"] = before

    async def standing(self, system: str, dossier_id: UUID) -> dict[str, Any]:
        """Return how a dossier stands in a system."""
        found = await self._workflow("GET", f"/v1/systems/{system}/dossiers/{dossier_id}", "ops")
        standing: dict[str, Any] = found.json()["standing"]
        return standing

    async def stands(self, system: str, dossier_id: UUID, verdict: str, **more: Any) -> dict[str, Any]:
        """Wait until a dossier was seen to stand so in a system, after all that it has taken."""

        async def there() -> dict[str, Any] | None:
            await self.pauses_end()
            found = await self.standing(system, dossier_id)
            is_so = found is not None and {**found, **more, "verdict": verdict} == found
            return found if is_so and found["look_at"] is not None and found["received_at"] is not None else None

        reached: dict[str, Any] = await eventually(there)
        return reached

    async def resolve(self, incident: dict[str, Any], action: str) -> dict[str, Any]:
        """Settle an incident as a person of ops: again, while a delivery is just on its way."""
        body = {"action": action, "note": "đã kiểm tra với cơ quan"}
        token = self.world.issuer.token("ops")

        async def done() -> dict[str, Any] | None:
            path = f"/v1/incidents/{incident['id']}/resolve"
            answer = await self.world.call("workflow", "POST", path, token=token, json=body)
            return answer.json() if answer.status_code == 200 else None

        closed: dict[str, Any] = await eventually(done)
        return closed

    async def picture(self, system: str, dossier_id: UUID) -> dict[str, Any]:
        """Return the dossier as we hold it."""
        found = await self._workflow("GET", f"/v1/systems/{system}/dossiers/{dossier_id}", "ops")
        picture: dict[str, Any] = found.json()["picture"]
        return picture

    async def at_portal(self, dossier_id: UUID) -> dict[str, Any]:
        """Return the dossier as the national portal holds it."""
        found: dict[str, Any] = await self.partner("dvcqg").dossier(str(dossier_id))
        return found

    async def calls(self, system: str, code: str, call: str) -> list[bool]:
        """Return of each call about a dossier whether it took effect."""
        log = await self.partner(system).log(dossier=code, call=call, limit=200)
        return [one["took_effect"] for one in log if one["direction"] == "call"]

    async def callbacks(self, system: str, n: int) -> list[bool]:
        """Wait until *n* callbacks were answered; return of each whether the system heard yes."""

        async def there() -> list[bool] | None:
            log = await self.partner(system).log(limit=200)
            heard = [one["took_effect"] for one in log if one["direction"] == "callback"]
            return heard if len(heard) >= n else None

        reached: list[bool] = await eventually(there)
        return reached


def steps(dossier: dict[str, Any]) -> list[str]:
    """Return the states in the portal's progress, oldest first."""
    return [one["step"] for one in dossier["progress"]]
