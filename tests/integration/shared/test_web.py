"""The edge of every service: one transaction a request, its idempotency key in it, and who may ask at all."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
import structlog
from asyncpg.exceptions import IntegrityConstraintViolationError
from fastapi import FastAPI, Response
from sqlalchemy import text

from deploy.local.serving import serving
from deploy.local.tokens import Grant, sign
from shared import problems
from shared.auth import Verifier
from shared.errors import Unauthenticated, Unavailable
from shared.outbox import new_dossier_id
from shared.settings import Settings
from tests.integration.shared.spine import Spine, spine
from tests.support import Databases, Issuer, free_port


@pytest.fixture(scope="module")
async def town(databases: Databases, issuer: Issuer) -> AsyncIterator[Spine]:
    """Intake alone."""
    async with spine(databases, issuer, services=("intake",)) as running:
        yield running


def token_of(town: Spine, subject: str, role: str) -> str:
    return sign(town.issuer.folder, Grant(role, subject), town.issuer.url, 3600)


async def say(town: Spine, *, token: str, key: str = "", scheme: str = "Bearer", path: str = "") -> httpx.Response:
    path = path or f"/v1/said/{new_dossier_id(datetime.now(UTC))}"
    headers = {"Authorization": f"{scheme} {token}", **({"Idempotency-Key": key} if key else {})}
    return await town.call("intake", "POST", path, headers=headers)


async def test_a_replay_is_the_same_and_belongs_to_its_subject_alone(town: Spine) -> None:
    path, key = f"/v1/said/{new_dossier_id(datetime.now(UTC))}", str(uuid4())
    first, again = [await say(town, token=token_of(town, "a", "ops"), key=key, path=path) for _ in range(2)]
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    stranger = await say(town, token=token_of(town, "b", "ops"), key=key, path=path)
    assert stranger.status_code >= 400
    assert first.json()["id"] not in stranger.text


async def test_a_caller_who_lost_the_role_gets_no_replay(town: Spine) -> None:
    path, key = f"/v1/said/{new_dossier_id(datetime.now(UTC))}", str(uuid4())
    assert (await say(town, token=token_of(town, "a", "ops"), key=key, path=path)).status_code == 201
    assert (await say(town, token=token_of(town, "a", "applicant"), key=key, path=path)).status_code == 403


async def test_a_key_does_not_change_how_the_scheme_is_read(town: Spine) -> None:
    token = token_of(town, "a", "ops")
    assert (await say(town, token=token, scheme="bearer")).status_code == 201
    assert (await say(town, token=token, scheme="bearer", key=str(uuid4()))).status_code == 201


async def test_a_refused_command_leaves_no_key_so_that_it_can_be_sent_again(town: Spine) -> None:
    path, key = f"/v1/said/{new_dossier_id(datetime.now(UTC))}", str(uuid4())
    assert (await say(town, token=token_of(town, "a", "portal"), key=key, path=path)).status_code == 403
    assert (await say(town, token=token_of(town, "a", "ops"), key=key, path=path)).status_code == 201


async def test_a_commit_that_fails_is_not_answered_with_2xx(town: Spine) -> None:
    """A deferred constraint fails at COMMIT and not before."""
    await town.rows("intake", "ALTER TABLE head ADD CONSTRAINT twice UNIQUE (dossier_id) DEFERRABLE INITIALLY DEFERRED")
    await town.rows(
        "intake",
        """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
           AS 'BEGIN RAISE EXCEPTION ''the commit fails''; END'""",
    )
    await town.rows(
        "intake",
        """CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON head DEFERRABLE INITIALLY DEFERRED
           FOR EACH ROW EXECUTE FUNCTION refuse()""",
    )
    try:
        answer = await say(town, token=token_of(town, "a", "ops"), key=str(uuid4()))
    finally:
        await town.rows("intake", "DROP TRIGGER refuse ON head")
        await town.rows("intake", "ALTER TABLE head DROP CONSTRAINT twice")
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "the commit fails" not in answer.text


async def test_a_request_that_meets_a_connection_cut_before_is_answered_with_503_or_served(town: Spine) -> None:
    name = town.settings["intake"].database_url("intake").database
    await say(town, token=token_of(town, "a", "ops"))
    await _cut(town, str(name))
    answers = [await say(town, token=token_of(town, "a", "ops")) for _ in range(12)]
    assert {answer.status_code for answer in answers} <= {201, 503}
    assert answers[-1].status_code == 201
    assert all(answer.headers["Retry-After"] for answer in answers if answer.status_code == 503)


async def _cut(town: Spine, database: str) -> None:
    connection = await asyncpg.connect(town.settings["intake"].postgres_url, database="postgres")
    await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", database)
    await connection.close()


async def test_an_unforeseen_database_error_does_not_log_the_row_it_failed_on(
    town: Spine, capsys: pytest.CaptureFixture[str]
) -> None:
    await town.rows("intake", "CREATE TABLE person (full_name text NOT NULL, phone text NOT NULL)")
    try:
        await town.rows("intake", "INSERT INTO person VALUES (:name, NULL)", name="Nguyễn Văn Thử")
    except IntegrityConstraintViolationError as error:
        with structlog.testing.capture_logs() as logs:
            problems.failure(error, {})
        written = structlog.processors.ExceptionRenderer(structlog.tracebacks.ExceptionDictTransformer())(
            None, "error", logs[0]
        )
        assert "Nguyễn" not in json.dumps(written, ensure_ascii=False, default=str)


async def test_a_nul_in_a_path_or_query_is_no_internal_error(town: Spine) -> None:
    token = token_of(town, "a", "ops")
    for path in ("/v1/reference/agency/%00/1", "/v1/heads?since=%00"):
        answer = await town.call("intake", "GET", path, token=token)
        assert answer.status_code < 500, (path, answer.text)


async def test_a_number_no_column_can_hold_is_no_internal_error(town: Spine) -> None:
    token = token_of(town, "a", "ops")
    answer = await town.call("intake", "GET", "/v1/reference/agency/A/99999999999", token=token)
    assert answer.status_code < 500, answer.text
    body = [{"dossier_id": str(uuid4()), "from_seq": 99999999999}]
    answer = await town.call("intake", "POST", "/v1/events/pull", token=token, json=body)
    assert answer.status_code < 500, answer.text


class Keys:
    """An issuer's keys, which can be taken away."""

    def __init__(self, keys: dict[str, Any]) -> None:
        self.keys = keys
        self.is_away = False
        self.n_asked = 0
        self.app = FastAPI()
        self.app.get("/jwks.json")(self.answer)

    async def answer(self) -> Response:
        self.n_asked += 1
        if self.is_away:
            await asyncio.sleep(0.1)
            return Response("away", 503)
        return Response(json.dumps(self.keys), media_type="application/json")


async def test_an_issuer_that_is_away_is_not_asked_again_for_every_bad_token(issuer: Issuer) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        keys = Keys((await client.get(f"{issuer.url}/jwks.json")).json())
        port = free_port()
        async with serving(keys.app, port) as url:
            verifier = Verifier(Settings(issuer=issuer.url, jwks_url=f"{url}/jwks.json"), client)
            assert (await verifier.verify(issuer.token("ops"))).subject == "ops-test"
            keys.is_away = True
            verifier._fetched_at -= 60
            for n in range(5):
                with pytest.raises((Unauthenticated, Unavailable)):
                    await verifier.verify(f"garbage{n}")
            assert keys.n_asked <= 2


async def test_a_token_is_refused_once_it_has_expired_although_it_was_remembered(issuer: Issuer) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        verifier = Verifier(Settings(issuer=issuer.url, jwks_url=f"{issuer.url}/jwks.json"), client)
        token = sign(issuer.folder, Grant("ops", "a"), issuer.url, 3600)
        assert await verifier.verify(token) == await verifier.verify(token)
        old = sign(issuer.folder, Grant("ops", "a"), issuer.url, -31)
        with pytest.raises(Unauthenticated):
            await verifier.verify(old)
        for wrong in (token[:-4] + "AAAA", token.split(".")[0] + "..", "", "a.b.c"):
            with pytest.raises(Unauthenticated):
                await verifier.verify(wrong)


async def test_many_requests_with_one_key_at_once_have_one_effect(town: Spine) -> None:
    path, key, token = f"/v1/said/{new_dossier_id(datetime.now(UTC))}", str(uuid4()), token_of(town, "a", "ops")
    answers = await asyncio.gather(*(say(town, token=token, key=key, path=path) for _ in range(10)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    async with town.service("intake").sessions() as session:
        n = await session.scalar(text("SELECT count(*) FROM event WHERE dossier_id = :id"), {"id": path[9:]})
    assert n == 1
