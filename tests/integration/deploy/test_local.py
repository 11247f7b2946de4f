"""The launcher on real engines: data stay, tokens verify, and nothing is left behind however it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.local.engines import engines
from deploy.local.errors import LaunchError
from deploy.local.folder import ROOT
from deploy.local.programs import python
from deploy.local.stack import Stack
from deploy.local.tokens import client_secrets
from deploy.local.topics import make_topics
from tests.integration.deploy.plan import fake, fake_plan


def report(text: str) -> None:
    """Print a measured time; it is shown with ``-s`` and never fails a test."""
    sys.stdout.write(f"{text}\n")


@pytest.fixture(autouse=True)
def _own_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LIENTHONG_POSTGRES_URL", "LIENTHONG_KAFKA"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    patch = pytest.MonkeyPatch()
    for name in ("LIENTHONG_POSTGRES_URL", "LIENTHONG_KAFKA"):
        patch.delenv(name, raising=False)
    clock = "2026-03-02T07:30:00+07:00@2026-03-02T00:00:00+00:00x600"
    with Stack(tmp_path_factory.mktemp("stack"), plan=fake_plan(), ports="free", clock=clock) as running:
        report("ready: " + ", ".join(f"{part.name} {part.seconds:.1f} s" for part in running.parts))
        yield running
    patch.undo()


def left_behind(folder: Path) -> list[psutil.Process]:
    """Return what still runs on *folder*."""
    return [process for process in psutil.process_iter() if _works_on(process, folder)]


def _works_on(process: psutil.Process, folder: Path) -> bool:
    try:
        facts = [*process.cmdline(), process.cwd(), process.environ().get("LIENTHONG_DATA", "")]
    except psutil.Error:
        return False
    return process.pid != os.getpid() and any(str(folder) in fact for fact in facts)


def _fake(folder: Path, name: str) -> list[psutil.Process]:
    return [process for process in left_behind(folder) if process.cmdline()[-1] == name]


async def test_what_was_committed_and_sent_is_there_after_a_restart(tmp_path: Path) -> None:
    with engines(tmp_path) as first:
        connection = await asyncpg.connect(first.postgres_url, database="postgres")
        await connection.execute("CREATE TABLE kept AS SELECT 7 AS seven")
        await connection.close()
        await _make_topic_and_send(first.kafka, b"kept")
    with engines(tmp_path) as second:
        connection = await asyncpg.connect(second.postgres_url, database="postgres")
        assert await connection.fetchval("SELECT seven FROM kept") == 7
        assert await connection.fetchval("SHOW fsync") == "on"
        await connection.close()
        assert await _first_message(second.kafka) == b"kept"
    assert left_behind(tmp_path) == []


async def _make_topic_and_send(kafka: str, value: bytes) -> None:
    await make_topics(kafka)
    await make_topics(kafka)
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait("dossier.timeline", value, partition=7)


async def _first_message(kafka: str) -> bytes:
    consumer = AIOKafkaConsumer("dossier.timeline", bootstrap_servers=kafka, auto_offset_reset="earliest")
    async with consumer:
        return bytes((await consumer.getone()).value)


async def test_sqlalchemy_reaches_the_services_databases(stack: Stack) -> None:
    url = make_url(stack.engines.postgres_url)
    engine = create_async_engine(url.set(drivername="postgresql+asyncpg", database="lienthong_intake"))
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT current_database()")) == "lienthong_intake"
    await engine.dispose()
    assert (stack.data_dir / "migrated").exists()


def test_programs_share_the_clock(stack: Stack) -> None:
    answers = {httpx.get(stack.url(name), trust_env=False).text for name in ("intake", "notify")}
    assert answers == {"2026-03-02T07:30:00+07:00@2026-03-02T00:00:00+00:00x600"}


def test_a_token_verifies_against_the_published_keys(stack: Stack) -> None:
    keys = _published_keys(stack)
    claims = jwt.decode(stack.token("officer", agency="H29.12"), keys, algorithms=["ES256"]).claims
    assert claims["iss"] == stack.url("issuer")
    assert (claims["aud"], claims["roles"], claims["agency"]) == ("lienthong", ["officer"], "H29.12")
    assert claims["exp"] > time.time()


@pytest.mark.parametrize(("client", "role"), [("vbdlis", "system"), ("sla", "system"), ("portal", "portal")])
def test_a_client_gets_a_token_for_its_secret_alone(stack: Stack, client: str, role: str) -> None:
    url = stack.url("issuer") + "/token"
    secret = client_secrets(stack.data_dir)[client]
    in_body = {"client_id": client, "client_secret": secret}
    for answer in (ask(url, {}, auth=(client, secret)), ask(url, in_body)):
        claims = jwt.decode(answer.json()["access_token"], _published_keys(stack), algorithms=["ES256"]).claims
        assert (claims["sub"], claims["roles"]) == (client, [role])
    assert ask(url, {}, auth=(client, "wrong")).status_code == 401
    assert ask(url, in_body | {"grant_type": "password"}).status_code == 400


def ask(url: str, form: dict[str, str], auth: tuple[str, str] = ("", "")) -> httpx.Response:
    """Ask for a token by client credentials."""
    with httpx.Client(trust_env=False) as client:
        asked = {"grant_type": "client_credentials"} | form
        return client.post(url, data=asked, auth=auth) if any(auth) else client.post(url, data=asked)


def _published_keys(stack: Stack) -> KeySet:
    where = httpx.get(stack.url("issuer") + "/.well-known/openid-configuration", trust_env=False).json()
    return KeySet.import_key_set(httpx.get(where["jwks_uri"], trust_env=False).json())


def test_an_officers_token_needs_an_agency(stack: Stack) -> None:
    with pytest.raises(LaunchError, match="needs an agency"):
        stack.token("officer")


def test_a_killed_engine_or_program_comes_back_at_the_same_address(stack: Stack) -> None:
    for name in ("intake", "postgres", "kafka"):
        before = stack.url(name)
        stack.kill(name)
        assert stack.pid(name) is None
        report(f"{name} ready again after SIGKILL in {stack.restart(name):.1f} s")
        assert stack.url(name) == before


def test_engines_that_already_run_are_used_and_not_stopped(
    tmp_path: Path, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in stack.engines.environment.items():
        monkeypatch.setenv(name, value)
    with Stack(tmp_path, plan=fake_plan(), ports="free") as second:
        assert [part.name for part in second.parts] == ["issuer", "intake", "notify"]
        assert second.engines == stack.engines
    assert stack.pid("postgres")
    assert stack.pid("kafka")


def test_a_program_that_dies_at_the_start_is_shown_and_nothing_stays(tmp_path: Path) -> None:
    plan = fake_plan(fake("sla", "die"))
    with pytest.raises(LaunchError, match=r"(?s)sla ended with code 3.*no colour table"):
        Stack(tmp_path, plan=plan, ports="free").start()
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_ending_the_launcher_ends_everything(tmp_path: Path, number: signal.Signals) -> None:
    log = tmp_path / "launcher.out"
    with log.open("wb") as output:
        argv = python("tests.integration.deploy.launch_fake", str(tmp_path / "data"))
        launcher = subprocess.Popen(argv, cwd=ROOT, stdout=output, stderr=output)
    _wait(lambda: "ready after" in log.read_text(), 40)
    assert len(left_behind(tmp_path / "data")) >= 5
    _fake(tmp_path / "data", "intake")[0].kill()
    _wait(lambda: "intake ended (signal 9" in log.read_text(), 5)
    _wait(lambda: _fake(tmp_path / "data", "intake") != [], 10)
    began = time.monotonic()
    launcher.send_signal(number)
    launcher.wait(15)
    _wait(lambda: not left_behind(tmp_path / "data"), 10)
    report(f"{number.name}: all ended in {time.monotonic() - began:.1f} s")
    assert time.monotonic() - began < 10
    assert log.read_text().count("Traceback") == 0


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def test_the_command_line_says_a_busy_port_in_one_line(tmp_path: Path, stack: Stack) -> None:
    taken = stack.url("issuer").rsplit(":", 1)[1]
    env = {**os.environ, "LIENTHONG_DATA": str(tmp_path), "LIENTHONG_ISSUER_PORT": taken}
    argv = [sys.executable, "-m", "deploy.local", "run"]
    ended = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"lien-thong: port {taken}, wanted by issuer, is in use")
    assert ended.stderr.count("\n") == 1
