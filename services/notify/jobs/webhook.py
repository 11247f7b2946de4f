"""One webhook, by the Standard Webhooks specification, to an address that was checked at this moment."""

import asyncio
import json
import socket
from datetime import UTC, datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx
from standardwebhooks.webhooks import Webhook

from services.notify.domain import AddressRule, Kind, Outcome, Status, UnsafeUrl, judge_webhook, timestamp
from services.notify.models import Message, Subscription

CALL_SECONDS = 10


async def send(client: httpx.AsyncClient, rule: AddressRule, message: Message, target: Subscription) -> Outcome:
    """Try once; a redirect is not followed, and the answer's body is not read."""
    try:
        host = rule.check_url(target.url)
        address = await _look_up(rule, host, urlsplit(target.url))
        async with asyncio.timeout(CALL_SECONDS):
            return await _call(client, target, address, body_of(message), str(message.id))
    except UnsafeUrl:
        return Outcome(Status.PENDING, "unsafe_url")
    except OSError:
        return Outcome(Status.PENDING, "receiver_away")
    except httpx.TransportError as error:
        return Outcome(Status.PENDING, "timeout" if isinstance(error, httpx.TimeoutException) else "receiver_away")


async def _look_up(rule: AddressRule, host: str, parts: SplitResult) -> str:
    """Return an address of *host*; UnsafeUrl if any of them may not be called, so that none is called by luck."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(row[4][0]) for row in found]
    for address in addresses:
        rule.check_address(host, address)
    return addresses[0]


async def _call(client: httpx.AsyncClient, target: Subscription, address: str, body: bytes, key: str) -> Outcome:
    """Call the address that was checked, under the name it was checked for: the name is not looked up again."""
    parts = urlsplit(target.url)
    literal = f"[{address}]" if ":" in address else address
    netloc = f"{literal}:{parts.port}" if parts.port else literal
    at = datetime.now(UTC)
    headers = {
        "host": parts.netloc,
        "content-type": "application/json",
        "user-agent": "lien-thong",
        "webhook-id": key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(target.secret).sign(key, at, body.decode()),
    }
    async with client.stream(
        "POST",
        parts._replace(netloc=netloc).geturl(),
        content=body,
        headers=headers,
        follow_redirects=False,
        timeout=CALL_SECONDS,
        extensions={"sni_hostname": parts.hostname or ""},
    ) as answer:
        return judge_webhook(answer.status_code, answer.headers.get("retry-after", ""))


def body_of(message: Message) -> bytes:
    """Return what is signed and sent: the same bytes at every try."""
    body: dict[str, Any] = {
        "type": Kind(message.template).event_type,
        "timestamp": timestamp(message.event_time),
        "data": message.data,
    }
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
