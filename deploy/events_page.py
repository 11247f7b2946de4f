"""The timeline's contract as a page: every fact with its fields, an example and who uses it; no script, no CDN."""

import json
from collections.abc import Iterable, Iterator
from html import escape
from importlib import import_module
from pathlib import Path
from string import Template
from typing import Any

from shared.consumer import Consumer
from shared.events import FACTS, Fact
from shared.events.envelope import MAX_EVENT_BYTES, TOPIC
from shared.reference import OWNERS
from shared.reference import TOPIC as REFERENCE_TOPIC
from shared.settings import SERVICES

HERE = Path(__file__).resolve().parent
GOLDEN = HERE.parent / "tests" / "contract" / "golden"
"""One message of every type, which has to parse for ever: the examples."""
Schema = dict[str, Any]

PUBLISHES, HANDLES, STEPS = ("own", "công bố"), ("does", "xử lý"), ("none", "chỉ ghi nhận")
TYPES = {
    "string": "chuỗi",
    "integer": "số nguyên",
    "number": "số",
    "boolean": "đúng/sai",
    "object": "đối tượng",
    "date-time": "thời điểm RFC 3339",
    "date": "ngày",
    "uuid": "UUID",
}
REFERENCE = r"^[^@\s]+@[0-9]+$"


def page(headers: Schema, schemas: dict[str, Schema]) -> str:
    """Return the page; *schemas* by type name."""
    template = Template((HERE / "events_page.html").read_text())
    return template.substitute(
        topic=escape(TOPIC),
        reference_topic=escape(REFERENCE_TOPIC),
        largest=f"{MAX_EVENT_BYTES:,}".replace(",", "."),
        n_facts=len(FACTS),
        services="".join(f"<th>{service}</th>" for service in SERVICES),
        matrix="\n".join(_matrix_row(name, fact) for name, fact in _in_order()),
        headers="\n".join(_row(*field) for field in _fields(headers, headers)),
        sources="\n".join(_source(service, schemas) for service in SERVICES),
        kinds="\n".join(f"<tr><td><code>{kind}</code></td><td>{owner}</td></tr>" for kind, owner in OWNERS.items()),
    )


def _in_order() -> list[tuple[str, type[Fact]]]:
    """Return the facts by source, as their modules tell them: the order in which they happen."""
    return sorted(FACTS.items(), key=lambda item: SERVICES.index(item[1].source))


def _use(service: str, name: str) -> tuple[str, str]:
    if FACTS[name].source == service:
        return PUBLISHES
    consumer: Consumer = import_module(f"services.{service}.app").definition.consumer
    return STEPS if consumer.handler(name) is None else HANDLES


def _matrix_row(name: str, fact: type[Fact]) -> str:
    uses = (_use(service, name) for service in SERVICES)
    cells = "".join(f'<td class="{style}">{word}</td>' for style, word in uses)
    link = f'<a href="#{name}">{fact.__name__}</a>'
    return f'<tr><td>{link}<br><span class="note">{_first_sentence(fact)}</span></td>{cells}</tr>'


def _first_sentence(fact: type[Fact]) -> str:
    return escape((fact.__doc__ or "").strip().splitlines()[0])


def _source(service: str, schemas: dict[str, Schema]) -> str:
    own = [(name, fact) for name, fact in _in_order() if fact.source == service]
    title = f"<h2>{service} <small>công bố {len(own)} kiểu</small></h2>"
    return "\n".join([title, *(_article(name, fact, schemas[name]) for name, fact in own)])


def _article(name: str, fact: type[Fact], schema: Schema) -> str:
    rows = "\n".join(_row(*field) for field in _fields(schema, schema))
    titles = "".join(f"<th>{title}</th>" for title in ("Trường", "Kiểu", "Bắt buộc", "Ý nghĩa"))
    table = f'<table class="fields">\n<thead><tr>{titles}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>'
    users = {word: [s for s in SERVICES if _use(s, name)[1] == word] for _, word in (HANDLES, STEPS)}
    listed = "".join(f"<div><dt>{word}:</dt><dd>{', '.join(found) or '–'}</dd></div>" for word, found in users.items())
    return (
        f'<article id="{name}">\n<h3>{fact.__name__}<code>{name}</code></h3>\n'
        f"<p>{escape(' '.join((fact.__doc__ or '').split()))}</p>\n<dl>{listed}"
        f'<div><dt>JSON Schema:</dt><dd><a href="schemas/{name}.json">{name}.json</a></dd></div></dl>\n'
        f'<div class="wide">{table}</div>\n'
        f"<details><summary>Ví dụ</summary><pre>{escape(_example(name))}</pre></details>\n</article>"
    )


def _example(name: str) -> str:
    kept = json.loads((GOLDEN / f"{name}.json").read_text())
    lines = [f"{header}: {value}" for header, value in kept["headers"].items()]
    return "\n".join([*lines, "", json.dumps(json.loads(kept["data"]), ensure_ascii=False, indent=2)])


def _row(path: str, kind: str, is_required: bool, meaning: str) -> str:
    needed = "có" if is_required else '<span class="none">không</span>'
    return f"<tr><td><code>{escape(path)}</code></td><td>{kind}</td><td>{needed}</td><td>{escape(meaning)}</td></tr>"


def _fields(schema: Schema, whole: Schema, prefix: str = "") -> Iterator[tuple[str, str, bool, str]]:
    """Yield path, type, required and meaning of every field, those of its parts after it."""
    for name, field in schema.get("properties", {}).items():
        part = _resolved(field, whole)
        yield prefix + name, _kind(part, whole), name in schema.get("required", []), field.get("description", "")
        yield from _fields(part, whole, f"{prefix}{name}.")


def _resolved(field: Schema, whole: Schema) -> Schema:
    """Return the schema behind references and *or null*."""
    if "anyOf" in field:
        return _resolved(next(part for part in field["anyOf"] if part.get("type") != "null"), whole)
    if "$ref" in field:
        found: Schema = whole["$defs"][field["$ref"].rsplit("/", 1)[1]]
        return found
    return field


def _kind(field: Schema, whole: Schema) -> str:
    """Return a type as HTML words."""
    if "const" in field:
        return f"<code>{escape(str(field['const']))}</code>"
    if "enum" in field:
        return _choices(field["enum"])
    if field.get("type") == "array":
        return f"danh sách: {_kind(_resolved(field['items'], whole), whole)}"
    if field.get("pattern") == REFERENCE:
        return "mã@phiên bản"
    word = TYPES[field.get("format", "")] if field.get("format") in TYPES else TYPES[field["type"]]
    if (choices := field.get("pattern", "")).startswith("^(") and choices.endswith(")$"):
        return _choices(choices[2:-2].split("|"))
    return word + (f" ≤ {field['maxLength']}" if "maxLength" in field else "")


def _choices(values: Iterable[str]) -> str:
    return " · ".join(f"<code>{escape(value)}</code>" for value in values)
