"""The other services as this one reads them: heads, ledgers and reference data, over REST."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx

from shared.digest import Digest, Entries, Side
from shared.events.envelope import ReplayedEvent
from shared.settings import Settings
from shared.timeline import Entry, Event, format_chain, parse_chain
from shared.tokens import TokenSource


class PeerAway(ConnectionError):
    """A peer did not answer, or not as agreed; nothing is lost, it is asked again. *status* is its answer's, if any."""

    def __init__(self, peer: str, error: Exception) -> None:
        self.status = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else None
        super().__init__(f"{peer}: {self.status or type(error).__name__}")


class Peers:
    """Reads from the other services with this service's own credentials."""

    def __init__(self, settings: Settings, tokens: TokenSource, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._tokens = tokens
        self._client = client

    async def call(self, peer: str, method: str, path: str, **arguments: Any) -> Any:
        """Return the JSON a peer answers; PeerAway on anything but a 2xx."""
        try:
            answer = await self._send(peer, method, path, **arguments)
            if answer.status_code == httpx.codes.UNAUTHORIZED:  # keys may have changed under a token that was good
                self._tokens.forget()
                answer = await self._send(peer, method, path, **arguments)
            answer.raise_for_status()
            return answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise PeerAway(peer, error) from error

    async def _send(self, peer: str, method: str, path: str, **arguments: Any) -> httpx.Response:
        headers = await self._tokens.headers()
        return await self._client.request(
            method, self._settings.url(peer) + path, headers=headers, timeout=10, **arguments
        )

    async def heads(self, peer: str, since: datetime | None, after: UUID | None) -> "HeadsPage":
        """Return a page of the heads of *peer*'s own history that changed since *since* (its clock)."""
        query = {"since": since.isoformat() if since else None, "after": str(after) if after else None}
        body = await self.call(peer, "GET", "/v1/heads", params={k: v for k, v in query.items() if v})
        with _as_agreed(peer):
            return HeadsPage.read(body)

    async def digests(self, peer: str, of: str | None = None) -> Side:
        """Return *peer*'s digests of its own histories, or of those *of* another, and which own ones moved lately."""
        body = await self.call(peer, "GET", "/v1/digests", params={"of": of} if of else None)
        with _as_agreed(peer):
            digests = {int(row[0]): Digest(int(row[1]), int(row[2]), parse_chain(row[3])) for row in body["digests"]}
            return Side(digests, _entries(body["moving"]))

    async def digested(self, peer: str, buckets: Sequence[int], of: str | None = None) -> tuple[Entries, set[UUID]]:
        """Return where *peer* stands in some buckets of its own histories, or *of* another's; which moved lately."""
        query = {"bucket": list(buckets), **({"of": of} if of else {})}
        body = await self.call(peer, "GET", "/v1/digests/entries", params=query)
        with _as_agreed(peer):
            return _entries(body["items"]), {UUID(one) for one in body["moving"]}

    async def pull(self, peer: str, wants: list[tuple[UUID, int]]) -> "Pulled":
        """Return events of *peer*'s ledger from the given sequence numbers on."""
        body = [{"dossier_id": str(dossier_id), "from_seq": seq} for dossier_id, seq in wants]
        answer = await self.call(peer, "POST", "/v1/events/pull", json=body)
        with _as_agreed(peer):
            events = [ReplayedEvent.model_validate(item).event() for item in answer["items"]]
            return Pulled([event for event in events if event.source == peer], bool(answer["cut"]))

    async def copies(self, keeper: str, wants: list[tuple[UUID, int]]) -> "Pulled":
        """Return the copies that *keeper* has of events of this service, from the given sequence numbers on."""
        body = [{"dossier_id": str(dossier_id), "from_seq": seq} for dossier_id, seq in wants]
        answer = await self.call(keeper, "POST", "/v1/events/copies", json=body)
        with _as_agreed(keeper):
            events = [ReplayedEvent.model_validate(item).event() for item in answer["items"]]
            return Pulled(events, bool(answer["cut"]))

    async def tell_forks(self, source: str, forks: list[tuple[UUID, Entry]]) -> None:
        """Tell *source* that other histories of its dossiers were applied here than its ledger has."""
        body = [
            {"dossier_id": str(dossier_id), "seq": at.seq, "chain": format_chain(at.chain)} for dossier_id, at in forks
        ]
        await self.call(source, "POST", "/v1/forks", json=body)

    async def reference_keys(self, owner: str) -> list[tuple[str, str, int]]:
        """Return (kind, code, version) of all reference data *owner* owns."""
        body = await self.call(owner, "GET", "/v1/reference")
        with _as_agreed(owner):
            return [(item["kind"], item["code"], int(item["version"])) for item in body["items"]]

    async def reference(self, owner: str, kind: str, code: str, version: int) -> dict[str, Any]:
        """Return one version of reference data."""
        data: dict[str, Any] = await self.call(owner, "GET", f"/v1/reference/{kind}/{code}/{version}")
        return data


def _entries(rows: list[Any]) -> Entries:
    return {UUID(row[0]): Entry(int(row[1]), parse_chain(row[2])) for row in rows}


@contextmanager
def _as_agreed(peer: str) -> Iterator[None]:
    """Turn an answer that is not of the agreed form into a peer that is away."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PeerAway(peer, error) from error


@dataclass(frozen=True)
class Pulled:
    """Events of a ledger; *is_cut* says that there is more than one answer holds."""

    events: list[Event]
    is_cut: bool


@dataclass(frozen=True)
class HeadsPage:
    """Heads of a source; everything it recorded before *until* is in the pages that begin with the same *since*."""

    entries: dict[UUID, Entry]
    until: datetime
    business_until: datetime
    following: UUID | None

    @classmethod
    def read(cls, body: dict[str, Any]) -> "HeadsPage":
        """Read the answer of ``GET /v1/heads``."""
        return cls(
            entries=_entries(body["items"]),
            until=datetime.fromisoformat(body["until"]),
            business_until=datetime.fromisoformat(body["business_until"]),
            following=UUID(body["next"]) if body["next"] else None,
        )
