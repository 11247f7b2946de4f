"""One e-mail: the applicant is read from intake at this moment, written to, and forgotten."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr
from typing import Any

import aiosmtplib

from services.notify import repository
from services.notify.domain import Outcome, Status, mask, render
from services.notify.models import Dossier, Message
from shared.peers import PeerAway, Peers

SMTP_SECONDS = 15
NOT_FOUND = 404
"""Intake's answer when a version of the applicant's particulars was erased."""
PEOPLE = frozenset({"citizen", "household"})


@dataclass(frozen=True)
class MailServer:
    """Where e-mail is handed over, and in whose name."""

    host: str
    port: int
    tls: str = "none"
    """``none``, ``starttls`` or ``tls``."""
    username: str = ""
    password: str = ""
    sender: str = "khong-tra-loi@lienthong.invalid"
    sender_name: str = ""


async def send(peers: Peers, server: MailServer, message: Message, dossier: Dossier) -> Outcome:
    """Try once; intake or the mail server away means that the message waits."""
    version = dossier.applicant_version
    path, query = f"/v1/dossiers/{dossier.id}/applicant", {"version": version, "purpose": "notify"}
    try:
        people = await peers.call("intake", "GET", path, params=query)
    except PeerAway as error:
        gone = error.status == NOT_FOUND
        return Outcome(Status.FAILED, "applicant_erased") if gone else Outcome(Status.PENDING, "intake_away")
    applicant = people["applicant"]
    address = applicant.get("email")
    if not address:
        return Outcome(Status.NO_ADDRESS, "no_address", applicant_version=version)
    try:
        mail = write(server, message, applicant, address)
    except (ValueError, MessageError):
        return Outcome(Status.FAILED, "address_invalid")
    return await _hand_over(server, mail, address)


def write(server: MailServer, message: Message, applicant: dict[str, Any], address: str) -> bytes:
    """Return the e-mail; ValueError or MessageError if the address is none.

    The older classes of the standard library: folding a Vietnamese subject costs the newer ones 10 ms.
    """
    to = str(Address(addr_spec=address.encode("ascii").decode()))
    subject, body = words_of(message, applicant)
    mail = MIMEText(body, "plain", "utf-8", policy=compat32)
    mail["Message-ID"] = f"<{message.id}@{server.sender.rpartition('@')[2]}>"
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["From"] = formataddr((server.sender_name, server.sender))
    mail["To"] = to
    mail["Subject"] = Header(subject, "utf-8").encode()
    mail["Auto-Submitted"] = "auto-generated"
    mail["Content-Language"] = "vi"
    return mail.as_bytes(policy=compat32.clone(linesep="\r\n"))


def words_of(message: Message, applicant: dict[str, Any]) -> tuple[str, str]:
    """Return subject and body, with the person in it."""
    templates = repository.templates()
    pronoun = "Ông/Bà" if applicant.get("kind") in PEOPLE else "Quý đơn vị"
    values = {**message.data, "pronoun": pronoun, "salutation": f"{pronoun} {applicant['full_name']}"}
    subject, content = render(templates[message.template, message.template_version], values)
    layout = templates["layout", repository.newest_version("layout")]
    return subject, render(layout, {**values, "subject": subject, "content": content})[1]


async def _hand_over(server: MailServer, mail: bytes, address: str) -> Outcome:
    masked = mask(address)
    try:
        await _converse(server, mail, address)
    except aiosmtplib.SMTPRecipientsRefused as error:
        return _refused([one.code for one in error.recipients], "address_refused", masked)
    except aiosmtplib.SMTPDataError as error:
        return _refused([error.code], "message_refused", masked)
    except aiosmtplib.SMTPResponseException as error:
        return Outcome(Status.PENDING, "mail_server_refused", error.code, masked)
    except (aiosmtplib.SMTPException, OSError):
        return Outcome(Status.PENDING, "mail_server_away", recipient=masked)
    return Outcome(Status.SENT, code=250, recipient=masked)


async def _converse(server: MailServer, mail: bytes, address: str) -> None:
    """Hold one SMTP session; the own name is given so that none is looked up."""
    await aiosmtplib.send(
        mail,
        sender=server.sender,
        recipients=[address],
        hostname=server.host,
        port=server.port,
        local_hostname=server.sender.rpartition("@")[2],
        username=server.username or None,
        password=server.password or None,
        use_tls=server.tls == "tls",
        start_tls=server.tls == "starttls",
        timeout=SMTP_SECONDS,
    )


def _refused(codes: list[int], reason: str, masked: str) -> Outcome:
    """5xx is for good, 4xx for now (RFC 5321, 4.2.1)."""
    final = bool(codes) and all(code >= 500 for code in codes)
    return Outcome(Status.FAILED if final else Status.PENDING, reason, codes[0] if codes else None, masked)
