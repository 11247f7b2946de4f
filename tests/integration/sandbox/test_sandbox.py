"""The sandbox by itself: it catches e-mail, verifies webhooks as the specification says, misbehaves on request."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from deploy.local.serving import serving
from deploy.sandbox.app import make_app
from deploy.sandbox.system import Place
from tests.support import eventually, free_port

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the example of the specification


@dataclass
class Box:
    client: httpx.AsyncClient
    smtp_port: int
    folder: Path


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    smtp_port = free_port()
    async with (
        serving(make_app(Place(tmp_path, smtp_port)), free_port()) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as client,
    ):
        yield Box(client, smtp_port, tmp_path)


async def send(box: Box, message_id: str = "<a@x.example>") -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "mot-cua@x.example", "n@y.example", "Hẹn trả kết quả"
    mail["Message-ID"] = message_id
    mail.set_content("Kính gửi Ông/Bà", cte="base64")
    await aiosmtplib.send(mail, hostname="127.0.0.1", port=box.smtp_port, start_tls=False)


async def hook(box: Box, key: str, *, at: datetime | None = None, body: str = '{"type":"x"}') -> int:
    at = at or datetime.now(UTC)
    headers = {
        "webhook-id": key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": "v1a,AAAA " + Webhook(SECRET).sign(key, at, body),
    }
    return (await box.client.post("/webhooks/a", content=body.encode(), headers=headers)).status_code


async def test_a_caught_email_is_shown_and_kept_in_the_folder(box: Box) -> None:
    await send(box)
    await send(box)
    seen = (await box.client.get("/messages")).json()
    assert (seen["n"], seen["n_distinct"]) == (2, 1)
    first = seen["items"][0]
    assert (first["subject"], first["to"], first["message_id"]) == ("Hẹn trả kết quả", ["n@y.example"], "<a@x.example>")
    assert "Kính gửi Ông/Bà" in first["text"]
    lines = (box.folder / "mail.jsonl").read_text().splitlines()
    assert [json.loads(line)["subject"] for line in lines] == ["Hẹn trả kết quả"] * 2
    assert (await box.client.delete("/messages")).status_code == 204
    assert (await box.client.get("/messages")).json()["n"] == 0


async def test_the_mail_server_refuses_as_it_is_told(box: Box) -> None:
    await box.client.put("/messages/faults", json={"code": 451, "n_calls": 1})
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await send(box)
    assert refused.value.code == 451
    await send(box)
    assert (await box.client.get("/messages")).json()["n"] == 1


async def test_signatures_are_judged_by_the_specification(box: Box) -> None:
    assert await hook(box, "1") == 204
    await box.client.put("/webhooks/a", json={"secret": SECRET})
    assert await hook(box, "1") == 204
    assert await hook(box, "2", at=datetime.now(UTC) - timedelta(minutes=6)) == 401
    unsigned = await box.client.post("/webhooks/a", json={"type": "x"})
    assert unsigned.status_code == 401
    forged = await box.client.post(
        "/webhooks/a",
        content=b"{}",
        headers={
            "webhook-id": "3",
            "webhook-timestamp": str(int(datetime.now(UTC).timestamp())),
            "webhook-signature": "v1,AAAA",
        },
    )
    assert forged.status_code == 401
    seen = (await box.client.get("/webhooks/a")).json()
    assert [row["signature"] for row in seen["items"]] == ["invalid", "missing", "stale", "valid", "not checked"]
    assert (seen["n_taken"], seen["n_distinct"], seen["n_repeats"]) == (2, 1, 1)
    assert len((await box.client.get("/webhooks")).json()["items"]) == 5


async def test_a_receiver_fails_as_often_as_it_is_told(box: Box) -> None:
    await box.client.put("/webhooks/a/faults", json={"status": 410, "n_calls": 2})
    assert [await hook(box, "1") for _ in range(3)] == [410, 410, 204]
    assert (await box.client.get("/webhooks/a")).json()["n_taken"] == 1
    assert (await box.client.put("/webhooks/a/faults", json={"status": 99})).status_code == 422


async def test_the_page_stands_alone_and_shows_what_arrived(box: Box) -> None:
    await send(box)
    await hook(box, "1")
    page = (await box.client.get("/")).text
    assert '<html lang="vi">' in page
    assert "http://" not in page
    assert "https://" not in page
    systems = (await box.client.get("/arrivals")).json()["systems"]
    assert [(one["title"], len(one["cards"])) for one in systems[:2]] == [("Thư điện tử", 1), ("Webhook", 1)]
    pages = [one.get("page") for one in systems]
    assert pages == [None, None, "sandbox/vbdlis", "sandbox/tax", "sandbox/bhxh", "sandbox/dvcqg", "sandbox/sample"]
    assert (await box.client.get("/readyz")).json()["ready"]


async def test_it_runs_as_a_process_and_says_plainly_when_a_port_is_taken(tmp_path: Path) -> None:
    port, smtp_port = free_port(), free_port()
    ports = {"LIENTHONG_SANDBOX_PORT": str(port), "LIENTHONG_SANDBOX_SMTP_PORT": str(smtp_port)}
    environment = {**os.environ, **ports, "LIENTHONG_DATA": str(tmp_path)}
    command = [sys.executable, "-m", "deploy.sandbox"]
    process = subprocess.Popen(command, env=environment)  # noqa: ASYNC220
    try:
        async with httpx.AsyncClient(trust_env=False) as client:

            async def ready() -> bool:
                try:
                    return (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(ready)
        second = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: ASYNC221
        assert second.returncode == 1
        assert second.stderr.strip().endswith("set LIENTHONG_SANDBOX_PORT to another one")
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(10) in {0, 130, -signal.SIGINT}
    with socket.socket() as door:
        door.bind(("127.0.0.1", smtp_port))
