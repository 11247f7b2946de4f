"""Words: templates, the values they may name, and how instants and amounts read in Vietnamese."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from services.notify.domain.telling import PRIVATE
from shared.errors import DomainError, Text
from shared.events.base import Fact
from shared.worktime import LOCAL


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
