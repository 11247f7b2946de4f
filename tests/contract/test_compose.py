"""The compose file and the image say what the code says: commands, ports, variables; a linter finds no high risk."""

import importlib.util
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.main import ROLES
from shared.settings import DEFAULT_PORTS, SERVICES

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
IMAGE = (ROOT / "deploy" / "Dockerfile").read_text()
OURS = [*SERVICES, "prepare"]


def settings_of(service: str) -> set[str]:
    """Return the environment variables that a service reads."""
    fields = import_module(f"services.{service}.app").settings.model_fields
    return {f"LIENTHONG_{name.upper()}" for name in fields}


def test_it_has_the_engines_and_every_service() -> None:
    assert set(COMPOSE["services"]) == {"postgres", "kafka", *OURS}
    assert set(COMPOSE["volumes"]) == {"postgres", "kafka"}


@pytest.mark.parametrize("name", OURS)
def test_its_commands_exist(name: str) -> None:
    program, flag, module, *arguments = COMPOSE["services"][name]["command"]
    assert (program, flag) == ("python", "-m")
    assert importlib.util.find_spec(f"{module}.__main__" if name in SERVICES else module) is not None
    assert name == "prepare" or arguments[0] in ROLES
    if name == "prepare":
        assert arguments == ["deploy/province", *SERVICES]


@pytest.mark.parametrize("name", SERVICES)
def test_its_ports_and_health_checks_are_those_of_the_code(name: str) -> None:
    service = COMPOSE["services"][name]
    port = DEFAULT_PORTS[name]
    assert service["ports"] == [f"{port}:{port}"]
    assert f"http://127.0.0.1:{port}/readyz" in service["healthcheck"]["test"][-1]
    assert COMPOSE["x-environment"][f"LIENTHONG_{name.upper()}_URL"] == f"http://{name}:{port}"


@pytest.mark.parametrize("name", SERVICES)
def test_every_variable_it_sets_is_read(name: str) -> None:
    given = {key for key in COMPOSE["services"][name]["environment"] if key.startswith("LIENTHONG_")}
    assert given <= settings_of(name)


def test_every_dependency_exists_and_has_what_is_waited_for() -> None:
    for name, service in COMPOSE["services"].items():
        for other, wait in service.get("depends_on", {}).items():
            there = COMPOSE["services"][other]
            assert wait["condition"] != "service_healthy" or "healthcheck" in there, f"{name} waits for {other}"


def test_no_secret_has_a_default() -> None:
    for variable in re.findall(r"\$\{([^}]*(?:SECRET|PASSWORD)[^}]*)\}", TEXT):
        assert ":?" in variable


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
