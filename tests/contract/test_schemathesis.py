"""Every service against its own OpenAPI: Schemathesis makes requests, good and bad, and judges each answer.

Nothing is random: the same OpenAPI and the same data lead to the same requests.
"""

import asyncio
import json
import re
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.dialects.postgresql import insert

from shared.auth import Role
from shared.reference import catch_up
from shared.settings import SERVICES
from shared.tables import Parked
from tests.bench.lifecycle import LAND, SUBMISSION, UNIT
from tests.contract.routes import Served, served
from tests.support import Databases, Issuer, World, world

N_EXAMPLES = 8
PHASES = ("--phases", "examples,coverage,fuzzing")
URL = "http://127.0.0.1:9/"
SHARED: dict[str, tuple[str, ...]] = defaultdict(lambda: ("--exclude-tag", "ops", "--exclude-tag", "peers"), notify=())
"""What all services have in common is judged once."""
Known = dict[str, list[str | int]]
Verdicts = dict[str, tuple[int, str]]
BEARERS: dict[Role, dict[str, str]] = {
    Role.OFFICER: {"agency": UNIT},
    Role.PORTAL: {},
    Role.OPS: {},
    Role.SYSTEM: {"subject": "vbdlis"},
}
"""Whose token an operation gets: that of the first who may use it."""
ACCEPTED = ["2xx", 401, 403, 404, 409, 412]
CHECKS = {
    # What is refused by its state is refused before its version or its form is looked at, and the other way round.
    "missing_required_header": {"expected-statuses": [400, 401, 404, 415, 422, 428]},
    "negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 405, 409, 412, 415, 422, 428]},
    "positive_data_acceptance": {"expected-statuses": ACCEPTED},
}
JUDGED_BY_DATA = {
    "POST /v1/dossiers": "the catalogue says which units, components and attributes a procedure has",
    "PUT /v1/dossiers/{dossier_id}/applicant": "what kind of applicant it is stays",
    "POST /v1/dossiers/{dossier_id}/payments": "nothing was paid before 2000",
    "POST /v1/dossiers/{dossier_id}/request-payment": "nothing is due before 2000",
    "POST /v1/dossiers/{dossier_id}/request-supplement": "the third request needs a name",
    "POST /v1/dossiers/{dossier_id}/legs/{leg_no}/complete": "the route says which outcomes there are",
    "POST /v1/dossiers/{dossier_id}/legs/{leg_no}/return": "the route says where to",
    "POST /v1/dossiers/{dossier_id}/suspensions": "the closed list of grounds",
    "POST /v1/systems/{system}/messages": "nothing is said of the future",
    "POST /v1/systems/{system}/observations": "nothing was seen in the future",
    "GET /v1/systems/{system}/in-step": "a period ends after it begins",
    "POST /v1/dossiers/{dossier_id}/apologies": "the first promises a working day, a later one none",
    "POST /v1/entered-counts": "the scorecard says which parts and outcomes there are",
    "POST /v1/calendars/{code}/versions": "not everything is a calendar, and none covers less than before",
    "GET /v1/clocks": "after is what a list has given, and days are of 2000 to 2099",
    "GET /v1/recalculations/{recalculation_id}/moved": "after is what a list has given",
    "POST /v1/deadlines": "only some calendars, and they do not reach everywhere",
    "POST /v1/subscriptions": "only addresses that are safe to call",
    "POST /v1/subscriptions/{subscription_id}/redeliver": "exactly one of two fields",
    "GET /v1/subscriptions/{subscription_id}/deliveries": "after is what a list has given",
    "GET /v1/agencies/{code}/inbox": "after is what a list has given",
    "GET /v1/reports/06": "a period ends after it begins",
    "GET /v1/reports/attribution": "a period ends after it begins",
    "GET /v1/reports/suspensions": "a period ends after it begins",
    "GET /v1/reports/apologies": "a period ends after it begins",
    "GET /v1/reports/online": "a period ends after it begins",
    "GET /v1/reports/saturday": "a period ends after it begins",
    "GET /v1/reports/index-766": "a period ends after it begins, and a scorecard is in force then",
    "GET /v1/reports/scoring": "a period ends after it begins, and a scorecard is in force then",
    "GET /v1/entered-counts": "after is what a list has given",
    "GET /v1/reports/register": "a period ends after it begins, and after is what a list has given",
}
"""Operations whose 422 follows from data that no schema holds."""
PEER = {"subject": "notify"}
AMONG_SERVICES = {"/v1/forks", "/v1/events/copies"}
"""Only our own services may call these."""


@pytest.fixture(scope="module")
async def town(databases: Databases, issuer: Issuer) -> AsyncIterator[World]:
    """Four services without their workers: what is made up here must not be sent anywhere."""
    async with world(databases, issuer, role="api") as running:
        for service in SERVICES:
            parts = running.service(service)
            await catch_up(parts.references, parts.sessions, parts.peers)
        yield running


@pytest.fixture(scope="module")
async def known(town: World) -> Known:
    """What there is to ask for, by the name of the parameter."""
    dossiers = [await _submitted(town) for _ in range(12)]
    codes = [await _accepted(town, dossier) for dossier in dossiers[3:]]
    await _bring_in_step(town, dossiers)
    catalogue = ["DD.01", "VN", UNIT, "land-transfer"]
    return {
        "path.dossier_id": [*dossiers],
        "path.subscription_id": [await _subscribed(town) for _ in range(8)],
        "path.parked_id": [await _parked(town, dossiers[0])],
        "path.code": [*codes, *catalogue],
        "path.system": ["vbdlis"],
        "path.delivery_id": await _leased(town),
        "path.kind": ["procedure", "calendar", "agency", "route"],
        "path.version": [1],
        "path.leg_no": [2],
        "path.no": [1],
        "header.If-Match": ['"1"', '"2"'],
        "body.url": [URL],
    }


async def _submitted(town: World) -> str:
    token, key = town.issuer.token("portal"), {"Idempotency-Key": str(uuid4())}
    made = await town.call("intake", "POST", "/v1/dossiers", token=token, json=SUBMISSION, headers=key)
    return str(made.json()["id"])


async def _accepted(town: World, dossier_id: str) -> str:
    token = town.issuer.token("officer", agency=UNIT)
    path = f"/v1/dossiers/{dossier_id}/accept"
    done = await town.call("intake", "POST", path, token=token, headers={"If-Match": '"1"'})
    return str(done.json()["code"])


async def _subscribed(town: World) -> str:
    token, key = town.issuer.token("officer", agency=UNIT), {"Idempotency-Key": str(uuid4())}
    body = {"url": URL, "event_types": ["dossier.late"]}
    made = await town.call("notify", "POST", "/v1/subscriptions", token=token, json=body, headers=key)
    return str(made.json()["id"])


async def _leased(town: World) -> list[str | int]:
    """Return deliveries to the land registry that were leased once."""
    token = town.issuer.token("system", subject="vbdlis")
    path, body = "/v1/systems/vbdlis/deliveries/lease", {"limit": 6, "seconds": 1}
    leased = await town.call("workflow", "POST", path, token=token, json=body)
    return [one["id"] for one in leased.json()["items"]]


async def _parked(town: World, dossier_id: str) -> str:
    """Let one dossier stand still in every service."""
    there = {"id": uuid4(), "dossier_id": dossier_id, "source": "intake", "seq": 99, "type": "", "reason": "poison"}
    for service in SERVICES:
        async with town.service(service).sessions.begin() as session:
            await session.execute(insert(Parked).values(**there, error="KeyError", n_tries=3))
    return str(there["id"])


async def _bring_in_step(town: World, dossiers: list[str]) -> None:
    """Do once by hand what the workers do all the time: everybody reads the ledgers of all others."""
    for reader in ("workflow", "sla", "notify", "intake"):
        parts = town.service(reader)
        wanted = [(UUID(dossier_id), 1) for dossier_id in dossiers]
        pulled = [await parts.peers.pull(source, wanted) for source in SERVICES if source != reader]
        events = sorted((event for part in pulled for event in part.events), key=lambda event: event.order)
        await parts.inbox.apply(events, trusted=True)


@pytest.fixture(scope="module")
async def verdicts(town: World, known: Known, tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    """Exit code and words of Schemathesis about every service; they are judged side by side."""
    folder = tmp_path_factory.mktemp("schemathesis")
    found = await asyncio.gather(*(_judge(town, service, known, folder) for service in SERVICES))
    return dict(zip(SERVICES, found, strict=True))


async def _judge(town: World, service: str, known: Known, folder: Path) -> tuple[int, str]:
    operations = [_operation(town, route) for route in served(town.apps[service]) if route.roles]
    config = _written(folder / f"{service}.toml", _config(known) | {"operations": operations})
    url = f"{town.settings[service].url(service)}/openapi.json"
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "schemathesis.cli", "--config-file", config, "run", url, *PHASES, *SHARED[service],
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=folder,
    )  # fmt: skip
    said, _ = await run.communicate()
    return run.returncode or 0, re.sub(r"\x1b\[[0-9;]*m", "", said.decode())


@pytest.mark.parametrize("service", SERVICES)
def test_it_answers_as_its_openapi_says(verdicts: Verdicts, service: str) -> None:
    code, said = verdicts[service]
    print(service, *re.findall(r"\d+ generated.*", said))
    assert code == 0, said


def _config(known: Known) -> dict[str, Any]:
    return {
        "continue-on-failure": True,
        "cache": {"enabled": False},
        "generation": {"deterministic": True, "max-examples": N_EXAMPLES, "allow-x00": False},
        "checks": CHECKS,
        "dictionaries": {_plain(name): {"values": values} for name, values in known.items()},
        "parameters": {name: {"dictionary": _plain(name), "probability": 0.8} for name in known},
        "phases": {"coverage": {"unexpected-methods": ["PATCH", "TRACE"]}},
        "warnings": {"fail-on": ["missing_auth"]},
    }


def _plain(name: str) -> str:
    return re.sub(r"\W", "-", name).lower()


def _operation(town: World, route: Served) -> dict[str, Any]:
    """Return what is special about an operation: its token, and whether data may forbid what is well formed."""
    role = next(role for role in BEARERS if role in route.roles)
    whose = {"agency": LAND} if "/legs/" in route.path else PEER if route.path in AMONG_SERVICES else BEARERS[role]
    name = f"{route.method} {route.path}"
    judged = {"checks": {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, 422]}}}
    return {
        "include-name": name,
        "headers": {"Authorization": f"Bearer {town.issuer.token(role, **whose)}"},
        **(judged if name in JUDGED_BY_DATA else {}),
    }


def _written(file: Path, config: dict[str, Any]) -> Path:
    file.write_text("\n".join(f"{json.dumps(name)} = {_inline(part)}" for name, part in config.items()))
    return file


def _inline(value: Any) -> str:
    """Return *value* as it stands to the right of an equals sign in TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {_inline(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value)
