"""Logs and metrics: structured lines with a correlation id, and the counters an ops team watches."""

import logging
import sys
import traceback
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram

RELAYED = Counter("lienthong_relayed_total", "Events acknowledged by the broker", ["service"])
READ = Counter("lienthong_read_total", "Events read, by verdict", ["service", "source", "verdict"])
PARKED = Gauge("lienthong_parked", "Dossiers that stand still", ["service"])
HELD = Gauge("lienthong_held", "Events waiting for what comes before them", ["service"])
UNPUBLISHED = Gauge("lienthong_unpublished", "Ledger rows not yet relayed", ["service"])
RELAY_LAG = Gauge("lienthong_relay_lag_seconds", "Age of the oldest ledger row not yet relayed", ["service"])
NOT_IN_STEP = Gauge("lienthong_not_in_step", "Dossiers parked or held for 60 s and more", ["service", "source"])
INCIDENTS = Gauge("lienthong_incidents", "What a person has to settle between our own services", ["service", "kind"])
UNDECODABLE = Counter("lienthong_undecodable_total", "Messages that are not events", ["service"])
REQUESTS = Histogram(
    "lienthong_request_seconds",
    "Time to answer",
    ["service", "method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


def report(log: Any, event: str, error: BaseException, **context: Any) -> None:
    """Log an error by its kinds and places, never by its words: they may hold a row, and a row a name."""
    kinds: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(kinds) < 5:
        kinds.append(_kind(seen))
        seen = seen.__cause__ or getattr(seen, "orig", None)
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    where = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    log.error(event, error=kinds[0], causes=kinds[1:], where=where, **context)


def _kind(error: BaseException) -> str:
    details = [getattr(error, name, None) for name in ("sqlstate", "table_name", "constraint_name")]
    return " ".join([type(error).__name__, *(detail for detail in details if isinstance(detail, str))])


def configure_logging(service: str, level: str) -> None:
    """Write one JSON object a line to stderr; every line carries the service and the correlation id in force."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
