"""The compose file and the image say what the code says: commands, ports, variables; a linter finds no high risk."""

import asyncio
import importlib.util
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.introduce import main as introduce
from deploy.local.programs import ADAPTER_PORTS, SANDBOX_ACCOUNTS
from deploy.sandbox.outside.ours import Ours
from services.workflow.adapters.config import Common, Own, prefix_of, read
from shared.main import ROLES
from shared.settings import DEFAULT_PORTS, SERVICES
from tests.integration.sandbox.partners import partner

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
IMAGE = (ROOT / "deploy" / "Dockerfile").read_text()
SANDBOX_ENV = dict(
    line.split("=", 1)
    for line in (ROOT / "deploy" / "sandbox" / "compose.env").read_text().splitlines()
    if not line.startswith("#")
)
PORTS = {**DEFAULT_PORTS, **ADAPTER_PORTS, "sandbox": 8010}
OURS = [*PORTS, "prepare", "introduce"]
ASKED = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def settings_of(name: str) -> set[str]:
    """Return the environment variables that a service or an adapter reads."""
    if name in ADAPTER_PORTS:
        own = {prefix_of(name) + field.upper() for field in Own.model_fields}
        return own | {f"LIENTHONG_{field.upper()}" for field in Common.model_fields}
    fields = import_module(f"services.{name}.app").settings.model_fields
    return {f"LIENTHONG_{field.upper()}" for field in fields}


def environment(name: str) -> dict[str, str]:
    """Return what a container is told where the sandbox is used and every secret is its own name."""

    def filled(asked: re.Match[str]) -> str:
        variable, kind, words = asked.groups()
        return SANDBOX_ENV.get(variable, words if kind == "-" else variable)

    return {key: ASKED.sub(filled, str(value)) for key, value in COMPOSE["services"][name]["environment"].items()}


def test_it_has_the_engines_and_every_program() -> None:
    assert set(COMPOSE["services"]) == {"postgres", "kafka", *OURS}
    used = {volume.split(":")[0] for one in COMPOSE["services"].values() for volume in one.get("volumes", [])}
    assert set(COMPOSE["volumes"]) == used


def test_only_the_sandbox_and_its_introduction_need_a_profile() -> None:
    asked = {name: one["profiles"] for name, one in COMPOSE["services"].items() if "profiles" in one}
    assert asked == {"sandbox": ["sandbox"], "introduce": ["sandbox"]}
    assert SANDBOX_ENV["COMPOSE_PROFILES"] == "sandbox"


ARGUMENTS = {
    **{name: ["all"] for name in SERVICES},
    **{name: [name] for name in ADAPTER_PORTS},
    "sandbox": [],
    "prepare": ["deploy/province", *SERVICES],
    "introduce": [*ADAPTER_PORTS],
}


@pytest.mark.parametrize("name", OURS)
def test_its_commands_exist(name: str) -> None:
    program, flag, module, *arguments = COMPOSE["services"][name]["command"]
    assert (program, flag) == ("python", "-m")
    is_package = name not in ("prepare", "introduce")
    assert importlib.util.find_spec(f"{module}.__main__" if is_package else module) is not None
    assert arguments == ARGUMENTS[name]
    assert name not in SERVICES or arguments[0] in ROLES


@pytest.mark.parametrize("name", PORTS)
def test_its_ports_and_health_checks_are_those_of_the_code(name: str) -> None:
    service = COMPOSE["services"][name]
    port = PORTS[name]
    own = "127.0.0.1:" if name == "sandbox" else ""  # it asks nobody who they are
    assert service["ports"] == [f"{own}{port}:{port}"]
    assert f"http://127.0.0.1:{port}/readyz" in service["healthcheck"]["test"][-1]
    told = [one.get("environment", {}).get(f"LIENTHONG_{name.upper()}_URL") for one in COMPOSE["services"].values()]
    assert {url for url in told if url} == {f"http://{name}:{port}"}


@pytest.mark.parametrize("name", [*SERVICES, *ADAPTER_PORTS])
def test_every_variable_it_sets_is_read(name: str) -> None:
    given = {key for key in COMPOSE["services"][name]["environment"] if key.startswith("LIENTHONG_")}
    assert given <= settings_of(name)


@pytest.mark.parametrize("name", ADAPTER_PORTS)
def test_an_adapter_finds_all_it_needs_in_what_it_is_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in environment(name).items():
        monkeypatch.setenv(variable, value)
    found = read(name)
    assert (found.common.mode, found.port, found.client_id) == ("production", ADAPTER_PORTS[name], name)
    assert found.system_url == f"http://sandbox:8010/{name}"
    assert found.own.callback_secret == f"{name.upper()}_CALLBACK_SECRET"
    assert found.common.client_secret == f"{name.upper()}_SECRET"


def test_we_are_in_the_sandbox_who_we_are_in_the_local_system() -> None:
    for system, account in SANDBOX_ACCOUNTS.items():
        assert account.items() <= environment(system).items()
    assert set(SANDBOX_ENV) - {"COMPOSE_PROFILES"} <= {one[0] for one in ASKED.findall(TEXT)}


async def test_the_sandbox_is_told_what_it_reads_and_where_our_adapters_are(monkeypatch: pytest.MonkeyPatch) -> None:
    source = (ROOT / "deploy" / "sandbox" / "__main__.py").read_text()
    assert {"LIENTHONG_SANDBOX_HOST", "LIENTHONG_DATA"} <= set(re.findall(r'"(LIENTHONG_\w+)"', source))
    told, about_adapters = environment("sandbox"), environment("introduce")
    for variable, value in {**told, **about_adapters}.items():
        monkeypatch.setenv(variable, value)
    assert all(Ours(system).is_known for system in ADAPTER_PORTS)
    async with partner("vbdlis") as running:
        monkeypatch.setenv("LIENTHONG_SANDBOX_URL", str(running.client.base_url))
        await asyncio.to_thread(introduce, [*ADAPTER_PORTS])
        for system, port in ADAPTER_PORTS.items():
            shown = (await running.client.get(f"/sandbox/{system}/callback")).json()
            assert (shown["url"], shown["check_calls"]) == (f"http://{system}:{port}/callbacks", True)
            assert shown["secret"] == environment(system)[f"LIENTHONG_{system.upper()}_CALLBACK_SECRET"]


def test_every_dependency_exists_and_has_what_is_waited_for() -> None:
    for name, service in COMPOSE["services"].items():
        for other, wait in service.get("depends_on", {}).items():
            there = COMPOSE["services"][other]
            assert wait["condition"] != "service_healthy" or "healthcheck" in there, f"{name} waits for {other}"


def test_no_secret_has_a_default() -> None:
    for variable in re.findall(r"\$\{([^}]*(?:SECRET|PASSWORD)[^}]*)\}", TEXT):
        assert ":?" in variable or variable.endswith(":-")  # none: a relay that asks for no account


def test_the_image_runs_as_nobody_special_from_the_locked_requirements() -> None:
    assert re.search(r"^USER (?!root)\w+$", IMAGE, re.MULTILINE)
    assert "--require-hashes -r requirements.lock" in IMAGE
    for folder in re.findall(r"^COPY (\w+) \./\w+$", IMAGE, re.MULTILINE):
        assert (ROOT / folder).is_dir()


def test_a_linter_of_compose_files_finds_no_high_risk() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "compose_lint", "--fail-on", "high", str(ROOT / "docker-compose.yml")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
