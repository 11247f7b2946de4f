"""Settings of an adapter: ``LIENTHONG_…`` as all programs share them, ``LIENTHONG_<SYSTEM>_…`` of its own."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_PORTS = {"vbdlis": 8011, "tax": 8012, "bhxh": 8013, "dvcqg": 8014, "sample": 8015}
"""Where each adapter hears callbacks."""


class Common(BaseSettings):
    """Where our own services and the issuer are, and who the adapter is for them."""

    model_config = SettingsConfigDict(env_prefix="LIENTHONG_", extra="ignore")

    mode: Literal["local", "production"] = "production"
    host: str = "127.0.0.1"
    workflow_url: str = "http://127.0.0.1:8002"
    intake_url: str = "http://127.0.0.1:8001"
    token_url: str = "http://127.0.0.1:8000/token"  # noqa: S105 - an address, not a secret
    client_id: str = ""
    """Defaults to the code of the system."""
    client_secret: str = Field("", repr=False)
    sandbox_url: str = "http://127.0.0.1:8010"
    clock: str = ""
    log_level: str = "INFO"


class Own(BaseSettings):
    """What one adapter needs to know about its system."""

    model_config = SettingsConfigDict(extra="ignore")

    port: int = 0
    """0: the default of the system."""
    system_url: str = ""
    """Base address of the outside system; in local mode that of the sandbox if empty."""
    callback_secret: str = Field("", repr=False)
    """Signs our calls and its callbacks; without one every callback is refused."""
    at_once: int = Field(8, ge=1, le=100)
    """Deliveries handled at the same time, of different dossiers."""
    lease_seconds: float = Field(60, ge=1, le=600)
    poll_seconds: float = Field(1, gt=0)
    call_seconds: float = Field(10, gt=0)
    """How long one call to the system may take."""
    looks_at_once: int = Field(4, ge=0, le=100)
    """Dossiers looked at at the same time; 0: nobody looks."""
    look_poll_seconds: float = Field(2, gt=0)
    look_lease_seconds: float = Field(30, ge=1, le=600)
    """After which a dossier whose look was not understood is looked at again."""
    failures_until_pause: int = Field(5, ge=1)
    first_pause_seconds: float = Field(1, gt=0)
    longest_pause_seconds: float = Field(60, gt=0)
    dialect: Literal["A", "B"] = "A"
    """The national portal's: session (A) or OAuth (B)."""
    username: str = ""
    """The national portal: who we are there (dialect B: the client)."""
    password: str = Field("", repr=False)
    unit_code: str = ""
    """The national portal's ``madonvi``."""
    dstcode: str = ""
    kept: str = ".local/dvcqg"
    """The national portal, dialect B: the folder of the numbers it has issued to us."""
    procedures: str = "deploy/province/procedures"
    """Where the names of procedures and fields are, which the national portal wants beside their codes."""


@dataclass(frozen=True)
class Settings:
    """Everything one adapter is told from outside."""

    system: str
    common: Common
    own: Own

    @property
    def port(self) -> int:
        """Return the port of the callback server."""
        return self.own.port or DEFAULT_PORTS[self.system]

    @property
    def client_id(self) -> str:
        """Return the client that asks for tokens."""
        return self.common.client_id or self.system

    @property
    def system_url(self) -> str:
        """Return the base address of the outside system; ValueError outside local mode if none is set."""
        if self.own.system_url:
            return self.own.system_url.rstrip("/")
        if self.common.mode != "local":
            msg = f"{prefix_of(self.system)}SYSTEM_URL is not set"
            raise ValueError(msg)
        return f"{self.common.sandbox_url.rstrip('/')}/{self.system}"


def prefix_of(system: str) -> str:
    """Return how the names of a system's own variables begin."""
    return f"LIENTHONG_{system.upper().replace('-', '_')}_"


def read(system: str) -> Settings:
    """Return the settings of *system*'s adapter from the environment."""
    return Settings(system, Common(), Own(_env_prefix=prefix_of(system)))
