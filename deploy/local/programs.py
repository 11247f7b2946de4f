"""Which programs make up the local system, where they listen, and what they read from the environment."""

import importlib.util
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from deploy.local.errors import LaunchError
from deploy.local.ports import LOOPBACK, free_ports
from deploy.local.tokens import CLIENTS, client_secrets
from shared.settings import DEFAULT_PORTS, SERVICES

ADAPTER_PORTS = {"vbdlis": 8011, "tax": 8012, "bhxh": 8013, "dvcqg": 8014}
"""Where the adapter of each outside system hears callbacks."""
SANDBOX_ACCOUNTS = {
    "dvcqg": {
        "LIENTHONG_DVCQG_USERNAME": "lienthong",
        "LIENTHONG_DVCQG_PASSWORD": "chi-de-thu",
        "LIENTHONG_DVCQG_UNIT_CODE": "H99",
        "LIENTHONG_DVCQG_DSTCODE": "VN:GOV:000.00.00.G22:vpcpdvcprocessservice",
    }
}
"""Who our adapters are in the sandbox; invented."""
DEFAULTS = {"issuer": 8000, **DEFAULT_PORTS, "sandbox": 8010, "sandbox_smtp": 8025, **ADAPTER_PORTS}
PROVINCE = "deploy/province"
Stage = Literal["issuer", "service", "sandbox", "adapter"]
STAGES: tuple[Stage, ...] = ("issuer", "service", "sandbox", "adapter")


@dataclass(frozen=True)
class Program:
    """One process that runs as long as the system does and answers HTTP."""

    name: str
    argv: tuple[str, ...]
    port: int
    stage: Stage = "service"
    env: Mapping[str, str] = field(default_factory=dict)
    ready_path: str = "/readyz"
    docs_path: str = "/docs"

    @property
    def url(self) -> str:
        """Return its base address."""
        return f"http://{LOOPBACK}:{self.port}"


@dataclass(frozen=True)
class Task:
    """One command that has to succeed before the programs start."""

    name: str
    argv: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """The whole system: databases, *migrations* (at once), *loads* (one by one), then programs by stage."""

    programs: tuple[Program, ...]
    smtp_port: int = DEFAULTS["sandbox_smtp"]
    """Where the sandbox catches mail and notify sends it."""
    databases: tuple[str, ...] = ()
    migrations: tuple[Task, ...] = ()
    loads: tuple[Task, ...] = ()

    def with_free_ports(self) -> "Plan":
        """Return the same system on ports that nothing uses."""
        smtp_port, *ports = free_ports(len(self.programs) + 1)
        moved = (replace(program, port=port) for program, port in zip(self.programs, ports, strict=True))
        return replace(self, programs=tuple(moved), smtp_port=smtp_port)


def local_plan(*, has_adapters: bool = True) -> Plan:
    """Return the system as ``make run`` starts it, on the default ports or those of the environment."""
    present = tuple(name for name in SERVICES if _exists(f"services.{name}.__main__"))
    programs = [Program("issuer", python("deploy.local.issuer"), port("issuer"), "issuer", docs_path="")]
    programs += [Program(name, python(f"services.{name}", "all"), port(name)) for name in present]
    if _exists("deploy.sandbox.__main__"):
        programs.append(Program("sandbox", python("deploy.sandbox"), port("sandbox"), "sandbox"))
    programs += [_adapter(system) for system in ADAPTER_PORTS if has_adapters]
    return Plan(
        programs=tuple(programs),
        smtp_port=port("sandbox_smtp"),
        databases=tuple(f"lienthong_{name}" for name in present),
        loads=(Task("prepare", python("deploy.local.prepare", PROVINCE, *present)),),
    )


def _adapter(system: str) -> Program:
    argv, env = python("services.workflow.adapters", system), SANDBOX_ACCOUNTS.get(system, {})
    return Program(system, argv, port(system), "adapter", env, ready_path="/healthz", docs_path="")


def python(module: str, *arguments: str) -> tuple[str, ...]:
    """Return the command that runs *module* with this Python."""
    return (sys.executable, "-m", module, *arguments)


def variable(name: str) -> str:
    """Return the environment variable that moves the port of *name*."""
    return f"LIENTHONG_{name.upper()}_PORT"


def port(name: str) -> int:
    """Return the port of *name*: the environment's or the default."""
    text = os.environ.get(variable(name)) or str(DEFAULTS[name])
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        msg = f"{variable(name)}={text} is not a port"
        raise LaunchError(msg)
    return int(text)


def environment(data_dir: Path, plan: Plan, engines: Mapping[str, str], clock: str) -> dict[str, str]:
    """Return what every program reads; *engines* are ``LIENTHONG_POSTGRES_URL`` and ``LIENTHONG_KAFKA``."""
    addresses: dict[str, str] = {}
    for program in plan.programs:
        prefix = f"LIENTHONG_{program.name.upper()}"
        addresses |= {f"{prefix}_PORT": str(program.port), f"{prefix}_URL": program.url}
    issuer = next((program.url for program in plan.programs if program.stage == "issuer"), "")
    tokens = {"ISSUER": issuer, "JWKS_URL": f"{issuer}/jwks.json", "TOKEN_URL": f"{issuer}/token"} if issuer else {}
    smtp = {"SMTP_PORT": str(plan.smtp_port), "SANDBOX_SMTP_PORT": str(plan.smtp_port)}
    common = {"MODE": "local", "HOST": LOOPBACK, "DATA": str(data_dir), "CLOCK": clock} | tokens | smtp
    prefixed = {f"LIENTHONG_{name}": value for name, value in common.items()}
    return {**os.environ, "PYTHONUNBUFFERED": "1", **engines, **addresses, **prefixed}


def credentials(data_dir: Path, name: str) -> dict[str, str]:
    """Return the client id and secret with which *name* calls its peers; the sandbox gets those of its systems."""
    if name == "sandbox":  # its pages show our side, as each system's own adapter may see it
        known = client_secrets(data_dir)
        return {f"LIENTHONG_{system.upper()}_CLIENT_SECRET": known[system] for system in ADAPTER_PORTS}
    client = name.partition("-")[0]
    if client not in CLIENTS:
        return {}
    secret = client_secrets(data_dir)[client]
    own = {f"LIENTHONG_{client.upper()}_CALLBACK_SECRET": secret} if client in ADAPTER_PORTS else {}
    return {"LIENTHONG_CLIENT_ID": client, "LIENTHONG_CLIENT_SECRET": secret, **own}


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
