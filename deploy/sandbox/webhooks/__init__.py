"""Receivers of signed webhooks as a subscriber would write them, with switches that make them misbehave."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from deploy.sandbox.journal import Journal
from deploy.sandbox.system import Place

TOLERANCE_SECONDS = 300


class Registration(BaseModel):
    """The secret a receiver verifies with; without one it takes everything and says so."""

    model_config = ConfigDict(extra="forbid")
    secret: str | None = None


class WebhookFaults(BaseModel):
    """Answer the next *n_calls* calls with this status, after a delay; a status below 300 takes effect as usual."""

    model_config = ConfigDict(extra="forbid")
    status: int = Field(500, ge=200, le=599)
    n_calls: int = Field(1, ge=0)
    delay_seconds: float = Field(0, ge=0, le=120)


@dataclass
class Receiver:
    """One subscriber's endpoint."""

    secret: str | None = None
    faults: WebhookFaults = field(default_factory=lambda: WebhookFaults(n_calls=0))

    def next_fault(self) -> WebhookFaults | None:
        """Use up one call of the switch."""
        if self.faults.n_calls == 0:
            return None
        used = self.faults
        self.faults = used.model_copy(update={"n_calls": used.n_calls - 1})
        return used


class Webhooks:
    """Any number of receivers, by name."""

    name = "webhooks"
    title = "Webhook"

    def __init__(self, place: Place) -> None:
        self.journal = Journal("webhooks", place.folder)
        self.receivers: defaultdict[str, Receiver] = defaultdict(Receiver)
        self.router = self._routes()

    async def start(self) -> None:
        """Receivers live on the sandbox's own port."""

    async def stop(self) -> None:
        """Nothing to close."""

    async def take(self, name: str, request: Request) -> Response:
        """Keep one call, then answer as the switches say."""
        receiver, body = self.receivers[name], await request.body()
        fault = receiver.next_fault()
        signature = verdict(receiver.secret, dict(request.headers), body)
        status = 204 if signature in {"valid", "not checked"} else 401
        if fault is not None and (status < 300 or fault.status >= 300):
            status = fault.status
        self.journal.add(
            {
                "receiver": name,
                "webhook_id": request.headers.get("webhook-id", ""),
                "signature": signature,
                "answer": status,
                "body": _json(body),
            }
        )
        await asyncio.sleep(fault.delay_seconds if fault else 0)
        elsewhere = {"location": f"/webhooks/{name}-moved"} if 300 <= status < 400 else None
        return Response(status_code=status, headers=elsewhere)

    def calls(self, name: str) -> list[dict[str, Any]]:
        """Return the calls of one receiver, oldest first."""
        return [row for row in self.journal.all() if row["receiver"] == name]

    def summary(self, name: str) -> dict[str, Any]:
        """Return what a receiver got: only calls answered with a 2xx took effect."""
        calls = self.calls(name)
        taken = Counter(row["webhook_id"] for row in calls if row["answer"] < 300)
        return {
            "name": name,
            "n_calls": len(calls),
            "n_taken": taken.total(),
            "n_distinct": len(taken),
            "n_repeats": taken.total() - len(taken),
            "items": calls[::-1][:200],
        }

    def cards(self) -> list[dict[str, Any]]:
        """Return the calls for the page."""
        return [
            {
                "at": row["at"],
                "title": f"{row['receiver']} · {_type(row['body'])}",
                "subtitle": row["webhook_id"],
                "text": json.dumps(row["body"], ensure_ascii=False, indent=1),
                "state": f"{_VERDICTS[row['signature']]} · trả lời {row['answer']}",
            }
            for row in self.journal.newest()
        ]

    def _routes(self) -> APIRouter:
        router = APIRouter(tags=["webhooks"])

        @router.get("/webhooks")
        async def webhooks() -> dict[str, Any]:
            """All calls, newest first."""
            return {"items": self.journal.newest()}

        @router.delete("/webhooks", status_code=204)
        async def forget() -> None:
            """Forget calls, secrets and switches."""
            self.journal.clear()
            self.receivers.clear()

        @router.get("/webhooks/{name}")
        async def receiver(name: str) -> dict[str, Any]:
            """What one receiver got, and how often the same webhook-id came again."""
            return self.summary(name)

        @router.put("/webhooks/{name}")
        async def register(name: str, given: Registration) -> dict[str, Any]:
            """Make a receiver verify with this secret."""
            self.receivers[name].secret = given.secret
            return {"name": name, "verifies": given.secret is not None}

        @router.put("/webhooks/{name}/faults")
        async def set_faults(name: str, faults: WebhookFaults) -> WebhookFaults:
            """Answer the next calls with an error (410: gone for good), or late."""
            self.receivers[name].faults = faults
            return faults

        @router.post("/webhooks/{name}")
        async def take(name: str, request: Request) -> Response:
            """Take a webhook."""
            return await self.take(name, request)

        return router


_VERDICTS = {
    "valid": "chữ ký đúng",
    "invalid": "chữ ký sai",
    "stale": "quá hạn",
    "missing": "thiếu chữ ký",
    "not checked": "chưa đăng ký khóa",
}


def verdict(secret: str | None, headers: dict[str, str], body: bytes) -> str:
    """Judge a signature by the text of the Standard Webhooks specification, by hand, as an independent reader."""
    if secret is None:
        return "not checked"
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    webhook_id, timestamp, signatures = (headers.get(name, "") for name in names)
    if not (webhook_id and timestamp.isdecimal() and signatures):
        return "missing"
    if abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return "stale"
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.new(key, f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(signed).decode()
    given = signatures.split(" ")
    return "valid" if any(hmac.compare_digest(expected, one) for one in given) else "invalid"


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def _type(body: Any) -> str:
    return str(body.get("type", "")) if isinstance(body, dict) else ""
