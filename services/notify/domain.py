"""The pure rules of notify: what is told to whom, under which key, when to try again, and in which words."""

import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid5

from shared.errors import DomainError, IllegalTransition, Malformed, Text
from shared.events.base import Fact
from shared.events.intake import (
    DossierAccepted,
    DossierRefused,
    DossierReopened,
    DossierStopped,
    DossierSubmitted,
    DossierWithdrawn,
    PaymentRecorded,
    PaymentRequested,
    ResultPosted,
    ResultReturned,
    SupplementReceived,
    SupplementRequested,
)
from shared.events.sla import (
    ApologyIssued,
    DeadlineApproaching,
    DeadlineMissed,
    DeadlineMissWithdrawn,
    DeadlineMoved,
    SuspensionForgotten,
)
from shared.events.workflow import RouteCompleted
from shared.worktime import LOCAL


class Status(StrEnum):
    """What became of a message."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    NO_ADDRESS = "no_address"
    """The applicant gave no e-mail address: nothing was to be sent."""
    MOOT = "moot"
    """Another fact overtook it before it was sent: the dossier had ended, or was not late after all."""


class Kind(StrEnum):
    """What is told; also the template's name, and with ``dossier.`` before it the webhook's event type."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    SUPPLEMENT_REQUESTED = "supplement_requested"
    SUPPLEMENT_RECEIVED = "supplement_received"
    PAYMENT_REQUESTED = "payment_requested"
    PAYMENT_RECORDED = "payment_recorded"
    APPOINTMENT_MOVED = "appointment_moved"
    LATE = "late"
    LATE_WITHDRAWN = "late_withdrawn"
    APOLOGY = "apology_issued"
    NEAR = "deadline_near"
    FORGOTTEN = "suspension_forgotten"
    RESULT_READY = "result_ready"
    RESULT_POSTED = "result_posted"
    RETURNED = "returned"
    REOPENED = "reopened"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"

    @property
    def event_type(self) -> str:
        """The type a subscriber asks for and gets."""
        return f"dossier.{self.value}"


EVENT_TYPES = tuple(kind.event_type for kind in Kind)

TOLD: Mapping[type[Fact], Kind] = {
    DossierSubmitted: Kind.RECEIVED,
    DossierAccepted: Kind.ACCEPTED,
    DossierRefused: Kind.REFUSED,
    SupplementRequested: Kind.SUPPLEMENT_REQUESTED,
    SupplementReceived: Kind.SUPPLEMENT_RECEIVED,
    PaymentRequested: Kind.PAYMENT_REQUESTED,
    PaymentRecorded: Kind.PAYMENT_RECORDED,
    DeadlineMoved: Kind.APPOINTMENT_MOVED,
    DeadlineMissed: Kind.LATE,
    DeadlineMissWithdrawn: Kind.LATE_WITHDRAWN,
    ApologyIssued: Kind.APOLOGY,
    DeadlineApproaching: Kind.NEAR,
    SuspensionForgotten: Kind.FORGOTTEN,
    RouteCompleted: Kind.RESULT_READY,
    ResultPosted: Kind.RESULT_POSTED,
    ResultReturned: Kind.RETURNED,
    DossierReopened: Kind.REOPENED,
    DossierWithdrawn: Kind.WITHDRAWN,
    DossierStopped: Kind.STOPPED,
}
ONLY_SUBSCRIBERS = frozenset(
    {
        Kind.SUPPLEMENT_RECEIVED,
        Kind.PAYMENT_RECORDED,
        Kind.RETURNED,
        Kind.WITHDRAWN,
        Kind.NEAR,
        Kind.FORGOTTEN,
    }
)
"""Not told to the applicant: what that person did or holds already, and what agencies have to look after."""
ENDS = frozenset({Kind.REFUSED, Kind.WITHDRAWN, Kind.STOPPED})
MOOT_AFTER_END = frozenset(
    {
        Kind.SUPPLEMENT_REQUESTED,
        Kind.PAYMENT_REQUESTED,
        Kind.APPOINTMENT_MOVED,
        Kind.LATE,
        Kind.LATE_WITHDRAWN,
        Kind.APOLOGY,
        Kind.RESULT_READY,
    }
)
"""Not told to the applicant of a dossier that was refused, withdrawn or stopped, whichever fact came first."""
PRIVATE = frozenset({"attributes", "applicant_version", "filed_by"})
"""Fields of facts that no message repeats."""


def is_for_applicant(fact: Fact) -> bool:
    """Say whether the applicant is written to: an apology has told the new day, and that the old one passes."""
    if isinstance(fact, DeadlineMoved) and fact.reason == "re_appointment":
        return False
    if isinstance(fact, DeadlineMissed) and fact.promised_at is not None:
        return False
    return TOLD[type(fact)] not in ONLY_SUBSCRIBERS


# Keys

_KEYS = UUID("6f1d7a0e-3c55-5b9e-9d5f-6c69656e7468")


def message_key(event_id: UUID, recipient: str, channel: str) -> UUID:
    """Return the key of a message, the same for every repeat of its event: UUIDv5 of event, recipient, channel."""
    return uuid5(_KEYS, f"{event_id}/{recipient}/{channel}")


def lane_of(dossier_id: UUID, recipient: str, channel: str) -> UUID:
    """Return the lane of a message: within a lane, messages leave in the order of their events."""
    return uuid5(_KEYS, f"lane/{dossier_id}/{recipient}/{channel}")


def public_data(fact: Fact) -> dict[str, Any]:
    """Return the fields of *fact* that a message may repeat, JSON-ready."""
    return fact.model_dump(mode="json", exclude_none=True, exclude=set(PRIVATE))


# Who gets what


class Scope(StrEnum):
    """Which dossiers a caller, and so a subscription of that caller, may know of."""

    ALL = "all"
    ONLINE = "online"
    UNIT = "unit"
    NONE = "none"


def scope_of(roles: Collection[str], agency_code: str | None) -> Scope:
    """Return the scope of a caller: systems and ops all, the portal what was filed online, an officer the unit's."""
    if {"ops", "system"}.intersection(roles):
        return Scope.ALL
    if "officer" in roles and agency_code:
        return Scope.UNIT
    return Scope.ONLINE if "portal" in roles else Scope.NONE


def may_know(scope: str, agency_code: str | None, channel: str | None, unit_code: str | None) -> bool:
    """Say whether a dossier of this channel and receiving unit is in *scope*."""
    if scope == Scope.UNIT:
        return unit_code is not None and unit_code == agency_code
    return scope == Scope.ALL or (scope == Scope.ONLINE and channel == "online")


# When to try again

BACK_OFF_SECONDS = (2, 5, 15, 60, 300, 900, 1800, 3600)
"""Then every hour, without end: an outage of a receiver loses nothing."""
PAUSE_AFTER_FAILURES = 3
LONGEST_PAUSE_SECONDS = 300
LONGEST_RETRY_AFTER_SECONDS = 3600


def back_off(n_tries: int) -> timedelta:
    """Return how long a message waits after its *n_tries*-th failed try (real time)."""
    return timedelta(seconds=BACK_OFF_SECONDS[min(max(n_tries, 1), len(BACK_OFF_SECONDS)) - 1])


def pause(n_failures: int) -> timedelta:
    """Return how long a subscription rests after so many failures in a row; none for the first few."""
    if n_failures < PAUSE_AFTER_FAILURES:
        return timedelta()
    return timedelta(seconds=min(2.0 ** min(n_failures, 16), LONGEST_PAUSE_SECONDS))


@dataclass(frozen=True)
class Outcome:
    """What one try came to: *status* PENDING means that it is tried again."""

    status: Status
    reason: str = ""
    """A stable code, never somebody else's words: those may hold an address."""
    code: int | None = None
    recipient: str = ""
    """Masked."""
    is_gone: bool = False
    """The receiver said that the subscription is over."""
    wait_seconds: int = 0
    """The receiver asked for that much patience."""
    applicant_version: int | None = None
    """The version of the applicant that was read, where there was no address in it."""


def judge_webhook(code: int, retry_after: str = "") -> Outcome:
    """Return what an HTTP status of a receiver means: 2xx taken, 410 gone for good, all else is tried again."""
    if 200 <= code < 300:
        return Outcome(Status.SENT, code=code)
    if code == 410:
        return Outcome(Status.FAILED, "subscription_gone", code, is_gone=True)
    reason = "redirect_refused" if 300 <= code < 400 else "receiver_error"
    wait = min(int(retry_after), LONGEST_RETRY_AFTER_SECONDS) if retry_after.isdecimal() else 0
    return Outcome(Status.PENDING, reason, code, wait_seconds=wait)


# Where webhooks may go


class UnsafeUrl(Malformed):
    """The address is not one this service calls."""

    code = "unsafe_url"
    title = Text("Địa chỉ webhook không được phép", "This webhook address is not allowed")


class SubscriptionEnded(IllegalTransition):
    """The subscription was deleted, or its receiver said 410."""

    code = "subscription_ended"
    title = Text("Đăng ký nhận tin đã kết thúc", "The subscription has ended")


@dataclass(frozen=True)
class AddressRule:
    """Where webhooks may go: in local mode the loopback address, else https to public addresses.

    *trusted_hosts* are the exceptions of an operator: names inside the government's network.
    """

    is_local: bool
    trusted_hosts: frozenset[str] = frozenset()

    def check_url(self, url: str) -> str:
        """Return the host of *url*; UnsafeUrl if it can be refused without looking its name up."""
        host = _host(url)
        scheme = urlsplit(url).scheme
        if not (scheme == "https" or (scheme == "http" and (self.is_local or host in self.trusted_hosts))):
            raise UnsafeUrl(Text("Chỉ chấp nhận https", "only https is accepted"))
        literal = _literal(host)
        if literal is not None:
            self.check_address(host, literal)
        elif self.is_local and host not in {"localhost", *self.trusted_hosts}:
            raise UnsafeUrl(Text("Chế độ cục bộ chỉ gọi địa chỉ loopback", "local mode only calls loopback"))
        return host

    def check_address(self, host: str, address: str) -> None:
        """Refuse what a name was found to stand for: anything inside, or in local mode anything outside."""
        if host in self.trusted_hosts:
            return
        found = ipaddress.ip_address(address)
        found = getattr(found, "ipv4_mapped", None) or found
        if self.is_local != found.is_loopback or (not self.is_local and (not found.is_global or found.is_multicast)):
            raise UnsafeUrl(Text("Địa chỉ nội bộ không được phép", "the address is not a public one"))


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        is_plain = url.isascii() and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        host, is_plain = "", False
    if not host or not is_plain:
        raise UnsafeUrl(Text("URL không hợp lệ", "not a URL this service calls"))
    return host


def _literal(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


# Words


class TemplateIncomplete(DomainError):
    """A template names something that its fact does not give: a mistake in the template, nothing is sent."""

    status = 500
    code = "template_incomplete"
    title = Text("Mẫu thông báo thiếu dữ liệu", "The template names something unknown")


@dataclass(frozen=True)
class Template:
    """One version of the words of one kind of message."""

    code: str
    version: int
    subject: str
    body: str


@dataclass(frozen=True)
class Words:
    """Vietnamese words for codes, as data: ``{"outcome": {"granted": …}, …}``; "" stands for every other code."""

    tables: Mapping[str, Mapping[str, str]]

    def of(self, table: str, code: object) -> str:
        """Return the words for *code*, or the table's words for a code it does not know."""
        words = self.tables[table]
        return words.get(str(code), words.get("", str(code)))


_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_WEEKDAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")


def placeholders(template: Template) -> set[str]:
    """Return the names a template asks for."""
    return set(_PLACEHOLDER.findall(template.subject + template.body))


def render(template: Template, values: Mapping[str, str]) -> tuple[str, str]:
    """Return subject and body; TemplateIncomplete if a placeholder has no value."""
    missing = placeholders(template) - values.keys()
    if missing:
        raise TemplateIncomplete(f"{template.code}@{template.version}: {', '.join(sorted(missing))}")

    def fill(text: str) -> str:
        return _PLACEHOLDER.sub(lambda found: values[found[1]], text)

    return " ".join(fill(template.subject).split()), re.sub(r"\n{3,}", "\n\n", fill(template.body)).strip() + "\n"


def in_words(value: object) -> str:
    """Return a value of a fact as a citizen reads it: instants and dates in local time, money with points."""
    match value:
        case datetime():
            local = value.astimezone(LOCAL)
            return f"{local:%H} giờ {local:%M}, {_WEEKDAYS[local.weekday()]} ngày {local:%d/%m/%Y}"
        case date():
            return f"{_WEEKDAYS[value.weekday()]} ngày {value:%d/%m/%Y}"
        case bool():
            return "có" if value else "không"
        case int():
            return f"{value:,}".replace(",", ".")
        case _:
            return str(value)


def values_of(fact: Fact, words: Words) -> dict[str, str]:
    """Return what a template may say of *fact*; codes also as words under ``<name>_words``."""
    fields = {name: getattr(fact, name) for name in type(fact).model_fields if name not in PRIVATE}
    values = {name: in_words(value) for name, value in fields.items() if value is not None}
    values |= {f"{name}_words": words.of(name, fields[name]) for name in fields.keys() & words.tables.keys()}
    if "due_on" in fields:
        due_on = fields["due_on"]
        values["due_on_words"] = f"trước hết {in_words(due_on)}" if due_on else "theo thời hạn ghi trên thông báo"
    if "replaces" in fields:
        old = ", ".join(fields["replaces"])
        values["replaces_line"] = f"\nThay cho thông báo: {old}; không nộp theo thông báo cũ." if old else ""
    if "new_deadline_at" in fields:
        new = fields["new_deadline_at"]
        values["new_deadline_line"] = f"Ngày hẹn trả mới: {in_words(new)}" if new else ""
    return values


def bullets(items: Iterable[str]) -> str:
    """Return *items* as a list in plain text."""
    return "\n".join(f"  - {item}" for item in items)


def mask(address: str) -> str:
    """Return an e-mail address as it may be shown: ``n***@v***.vn``."""
    name, _, domain = address.rpartition("@")
    ending = domain.rpartition(".")[2] if "." in domain else ""
    return f"{name[:1]}***@{domain[:1]}***{'.' + ending if ending else ''}"


def timestamp(instant: datetime) -> str:
    """Return an instant as webhooks carry it: RFC 3339 in UTC, with microseconds."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
