"""A mail server that delivers nothing: everything it accepts can be read over HTTP."""

import asyncio
from collections import Counter
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from deploy.sandbox.journal import Journal
from deploy.sandbox.system import Place


class MailFaults(BaseModel):
    """Answer the next *n_calls* messages with this SMTP code, after a delay."""

    model_config = ConfigDict(extra="forbid")
    code: int = Field(451, ge=200, le=599)
    n_calls: int = Field(1, ge=0)
    delay_seconds: float = Field(0, ge=0, le=120)


class Mail:
    """The SMTP catcher; on the loopback address unless the sandbox was told otherwise."""

    name = "mail"
    title = "Thư điện tử"

    def __init__(self, place: Place) -> None:
        self.journal = Journal("mail", place.folder)
        self.host, self.port = place.host, place.smtp_port
        self.faults = MailFaults(n_calls=0)
        self.router = self._routes()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; OSError if the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, loop=loop, enable_SMTPUTF8=True, hostname="sandbox", ident="Lien Thong sandbox"),
            self.host,
            self.port,
        )

    async def stop(self) -> None:
        """Close the door; whoever is inside finishes."""
        if self._server is not None:
            self._server.close()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        """Keep one message; the name is the one aiosmtpd calls."""
        faults = self.faults
        if faults.n_calls > 0:
            self.faults = faults.model_copy(update={"n_calls": faults.n_calls - 1})
            if faults.code >= 400:
                await asyncio.sleep(faults.delay_seconds)
                return f"{faults.code} the sandbox was told to say so"
        content = envelope.original_content or b""
        self.journal.add(_row(message_from_bytes(content), envelope))
        if faults.n_calls > 0:
            await asyncio.sleep(faults.delay_seconds)
        return "250 caught"

    def cards(self) -> list[dict[str, Any]]:
        """Return the caught messages for the page."""
        repeats = self._repeats()
        return [
            {
                "at": row["at"],
                "title": row["subject"],
                "subtitle": f"{', '.join(row['to'])} · {row['message_id']}",
                "text": row["text"],
                "state": "lặp lại" if repeats[row["message_id"]] > 1 else "",
            }
            for row in self.journal.newest()
        ]

    def _repeats(self) -> Counter[str]:
        return Counter(row["message_id"] for row in self.journal.all())

    def _routes(self) -> APIRouter:
        router = APIRouter(tags=["mail"])

        @router.get("/messages")
        async def messages() -> dict[str, Any]:
            """What was caught, newest first; *n_distinct* counts Message-IDs."""
            repeats = self._repeats()
            return {"n": repeats.total(), "n_distinct": len(repeats), "items": self.journal.newest()}

        @router.delete("/messages", status_code=204)
        async def forget() -> None:
            """Forget what was caught."""
            self.journal.clear()

        @router.put("/messages/faults")
        async def set_faults(faults: MailFaults) -> MailFaults:
            """Answer the next messages with an error, or late."""
            self.faults = faults
            return faults

        return router


def _row(message: Message, envelope: Envelope) -> dict[str, Any]:
    headers = {name: _plain(str(value)) for name, value in message.items()}
    part = next((one for one in message.walk() if one.get_content_type() == "text/plain"), None)
    text = part.get_payload(decode=True) if part is not None else b""
    return {
        "message_id": headers.get("Message-ID", "").strip(),
        "from": str(envelope.mail_from),
        "to": [str(address) for address in envelope.rcpt_tos],
        "subject": headers.get("Subject", ""),
        "headers": headers,
        "text": text.decode("utf-8", "replace").replace("\r\n", "\n") if isinstance(text, bytes) else "",
    }


def _plain(value: str) -> str:
    """Return a header without its folds and encoded words."""
    return str(make_header(decode_header(" ".join(value.split())))) if "=?" in value else " ".join(value.split())
