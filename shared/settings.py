"""Settings every service reads from the environment (prefix ``LIENTHONG_``)."""

from typing import Literal, Self

from pydantic import model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, make_url

SERVICES = ("intake", "workflow", "sla", "notify")
DEFAULT_PORTS = {"intake": 8001, "workflow": 8002, "sla": 8003, "notify": 8004}


class Settings(BaseSettings):
    """What every service needs to start; a service adds its own in its ``config.py``."""

    model_config = SettingsConfigDict(env_prefix="LIENTHONG_", extra="ignore")

    mode: Literal["local", "production"] = "production"
    host: str = "127.0.0.1"
    intake_port: int = 8001
    workflow_port: int = 8002
    sla_port: int = 8003
    notify_port: int = 8004
    intake_url: str = "http://127.0.0.1:8001"
    workflow_url: str = "http://127.0.0.1:8002"
    sla_url: str = "http://127.0.0.1:8003"
    notify_url: str = "http://127.0.0.1:8004"

    postgres_url: str = "postgresql://postgres@127.0.0.1:5432"
    """The server; each service uses its own database ``<prefix><service>`` on it."""
    database_prefix: str = "lienthong_"
    kafka: str = "127.0.0.1:9092"
    """Bootstrap servers, comma-separated."""
    kafka_prefix: str = ""
    """Begins the names of topics and groups, so that several installations can share one Kafka."""
    db_pool_size: int = 10

    issuer: str = "http://127.0.0.1:8000"
    jwks_url: str = "http://127.0.0.1:8000/jwks.json"
    token_url: str = "http://127.0.0.1:8000/token"  # noqa: S105 - an address, not a secret
    audience: str = "lienthong"
    client_id: str = ""
    """Client credentials with which a service calls its peers; the id defaults to the service's name."""
    client_secret: str = ""

    clock: str = ""
    """``<start>@<real start>x<speed>`` of the simulated clock (``shared.clock``); only in local mode."""
    member: str = ""
    """Static member id of this worker in its consumer group, such as a pod name; dynamic if empty."""
    sweep_seconds: float = 5.0
    full_sweep_seconds: float = 3600.0
    start_check_seconds: float = 10.0
    """How long a start waits for Kafka and its peers to say what they know of this service; 0: who answers at once."""
    log_level: str = "INFO"

    @model_validator(mode="after")
    def _simulated_clock_only_locally(self) -> Self:
        if self.clock and self.mode != "local":
            msg = "LIENTHONG_CLOCK is refused outside local mode"
            raise ValueError(msg)
        return self

    def database_url(self, service: str) -> URL:
        """Return the SQLAlchemy URL (asyncpg) of *service*'s own database."""
        url = make_url(self.postgres_url)
        return url.set(drivername="postgresql+asyncpg", database=f"{self.database_prefix}{service}")

    def port(self, service: str) -> int:
        """Return the port *service* listens on."""
        return int(getattr(self, f"{service}_port"))

    def url(self, service: str) -> str:
        """Return the base address at which *service* is reached by its peers."""
        return str(getattr(self, f"{service}_url"))
