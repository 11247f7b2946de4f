"""A webhook goes to the address that was checked, and the certificate has to be that of the name in the URL."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.notify.domain import AddressRule, Status
from services.notify.jobs import webhook
from services.notify.models import Message, Subscription
from tests.support import free_port

NAME = "localhost"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the example of the specification


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Write a self-signed certificate for *name*; return certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    return paths


@pytest.fixture
async def receiver(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[int, httpx.AsyncClient, list[Any]]]:
    """A TLS server with a certificate for the name that the test asks for, and a client that trusts it."""
    crt, key = certificate(tmp_path, request.param)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(crt, key)
    heads: list[Any] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    port = free_port()
    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=context)
    trusting = ssl.create_default_context(cafile=str(crt))
    async with server, httpx.AsyncClient(verify=trusting, trust_env=False) as client:
        yield port, client, heads


def message() -> Message:
    return Message(id=uuid4(), template="late", event_time=datetime.now(UTC), data={"code": "H99.01-261124-0001"})


@pytest.mark.parametrize("receiver", ["localhost", "other.example"], indirect=True)
async def test_the_certificate_is_checked_against_the_name_in_the_url(
    receiver: tuple[int, httpx.AsyncClient, list[Any]], request: pytest.FixtureRequest
) -> None:
    port, client, heads = receiver
    target = Subscription(url=f"https://{NAME}:{port}/hook?x=1", secret=SECRET)
    rule = AddressRule(is_local=False, trusted_hosts=frozenset({NAME}))
    outcome = await webhook.send(client, rule, message(), target)
    if request.node.callspec.params["receiver"] == NAME:
        assert outcome.status is Status.SENT
        assert heads[0].startswith("post /hook?x=1 http/1.1\r\n")
        assert f"host: {NAME}:{port}\r\n" in heads[0]
    else:
        assert (outcome.status, outcome.reason) == (Status.PENDING, "receiver_away")
        assert heads == []


@pytest.mark.parametrize("receiver", ["localhost"], indirect=True)
async def test_a_name_that_stands_for_an_inner_address_is_not_called(
    receiver: tuple[int, httpx.AsyncClient, list[Any]],
) -> None:
    port, client, heads = receiver
    target = Subscription(url=f"https://{NAME}:{port}/hook", secret=SECRET)
    outcome = await webhook.send(client, AddressRule(is_local=False), message(), target)
    assert (outcome.status, outcome.reason, heads) == (Status.PENDING, "unsafe_url", [])
