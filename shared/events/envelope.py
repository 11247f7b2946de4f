"""An event on the wire: CloudEvents 1.0 in Kafka binary mode, and the JSON form in which ledgers replay it."""

from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from pydantic import BaseModel

from shared.timeline import SOURCES, Event, format_chain, format_time, parse_after, parse_chain

TOPIC = "dossier.timeline"
SOURCE_PREFIX = "/lienthong/"
MAX_EVENT_BYTES = 256 * 1024
LARGEST_SEQ = 2**31 - 1
CHAIN_DIGITS = 16

Headers = list[tuple[str, bytes]]


class Undecodable(ValueError):
    """The message is not one of ours; the ledger of its source has the true one."""


def to_headers(event: Event) -> Headers:
    """Return the ``ce_*`` headers; optional attributes that are empty are left out."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": str(event.id),
        "ce_source": SOURCE_PREFIX + event.source,
        "ce_type": event.type,
        "ce_time": format_time(event.time),
        "ce_subject": str(event.dossier_id),
        "ce_dossierseq": str(event.seq),
        "ce_chain": format_chain(event.chain),
        "ce_after": event.after,
        "ce_correlationid": event.correlation_id,
        "ce_traceparent": event.traceparent,
        "content-type": "application/json",
    }
    return [(name, value.encode()) for name, value in attributes.items() if value]


def from_message(headers: Iterable[tuple[str, bytes]], value: bytes | None) -> Event:
    """Read a Kafka message; Undecodable if an attribute is missing or malformed."""
    try:
        ours = {name: text.decode() for name, text in headers if name.startswith("ce_")}
        return _from_attributes(ours, value or b"")
    except (KeyError, ValueError, AttributeError, OverflowError) as error:
        raise Undecodable(type(error).__name__) from error


def _from_attributes(attributes: dict[str, str], data: bytes) -> Event:
    source, after = attributes["ce_source"].removeprefix(SOURCE_PREFIX), attributes.get("ce_after", "")
    time, seq = datetime.fromisoformat(attributes["ce_time"]), int(attributes["ce_dossierseq"])
    seqs = (seq, *parse_after(after).values())
    if (
        source not in SOURCES
        or any("\0" in text for text in attributes.values())
        or not all(0 < n <= LARGEST_SEQ for n in seqs)
        or time.utcoffset() is None
        or len(attributes["ce_chain"]) != CHAIN_DIGITS
    ):
        raise ValueError
    return Event(
        source=source,
        dossier_id=UUID(attributes["ce_subject"]),
        seq=seq,
        id=UUID(attributes["ce_id"]),
        type=attributes["ce_type"],
        time=time.astimezone(UTC),
        after=after,
        chain=parse_chain(attributes["ce_chain"]),
        data=data,
        correlation_id=attributes.get("ce_correlationid", ""),
        traceparent=attributes.get("ce_traceparent", ""),
    )


class ReplayedEvent(BaseModel):
    """An event as ``POST /v1/events/pull`` answers it; *data* are the exact bytes in base64.

    What a newer peer adds is passed over: the chain says whether anything that counts was changed.
    """

    source: str
    dossier_id: UUID
    seq: int
    id: UUID
    type: str
    time: datetime
    after: str
    chain: str
    data: str
    correlation_id: str = ""
    traceparent: str = ""

    @classmethod
    def of(cls, event: Event) -> "ReplayedEvent":
        """Return the replay form of *event*."""
        fields = event._asdict()
        return cls(**{**fields, "chain": format_chain(event.chain), "data": b64encode(event.data).decode()})

    def event(self) -> Event:
        """Return the event, byte for byte as it was published."""
        fields = {name: getattr(self, name) for name in Event._fields}
        return Event(**{**fields, "chain": parse_chain(self.chain), "data": b64decode(self.data)})
