"""Writes the published contracts: JSON Schemas, AsyncAPI and a page of the timeline, OpenAPI of every service.

``python -m deploy.publish`` writes them under ``docs/``; with ``--check`` it only says what has drifted.
"""

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from deploy.events_page import page
from shared.events import FACTS, MODULES, Fact
from shared.events.envelope import MAX_EVENT_BYTES, SOURCE_PREFIX, TOPIC
from shared.reference import OWNERS
from shared.reference import TOPIC as REFERENCE_TOPIC
from shared.service import make_app
from shared.settings import SERVICES, Settings

DOCS = Path(__file__).resolve().parent.parent / "docs"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def documents() -> Iterator[tuple[Path, str]]:
    """Yield the text of every published document with its place."""
    schemas = {name: schema(fact) for name, fact in sorted(FACTS.items())}
    for name, described in schemas.items():
        yield DOCS / "events" / "schemas" / f"{name}.json", text_of(described)
    yield DOCS / "events" / "asyncapi.json", text_of(asyncapi())
    yield DOCS / "events" / "index.html", page(headers(), schemas)
    for service in SERVICES:
        definition = import_module(f"services.{service}.app").definition
        yield DOCS / "api" / f"{service}.openapi.json", text_of(make_app(definition, Settings(), "api").openapi())


def schema(fact: type[Fact]) -> dict[str, Any]:
    """Return the JSON Schema of a fact's data."""
    return {"$schema": DIALECT, "$id": f"urn:lienthong:event:{fact.type_name()}", **fact.model_json_schema()}


def headers() -> dict[str, Any]:
    """Return the schema of the CloudEvents headers, the extensions included."""
    text = {"type": "string"}
    described = {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "format": "uuid"},
        "ce_source": {"enum": [SOURCE_PREFIX + service for service in SERVICES]},
        "ce_type": text,
        "ce_time": {"type": "string", "format": "date-time", "description": "UTC, six decimals; orders the timeline"},
        "ce_subject": {"type": "string", "format": "uuid", "description": "dossier id, also the message key"},
        "ce_dossierseq": {"type": "string", "pattern": "^[1-9][0-9]*$", "description": "from 1 per source and dossier"},
        "ce_chain": {"type": "string", "pattern": "^[0-9a-f]{16}$", "description": "over this history so far"},
        "ce_after": {"type": "string", "description": "causes: intake=7,sla=3"},
        "ce_correlationid": text,
        "ce_traceparent": text,
        "content-type": {"const": "application/json"},
    }
    optional = {"ce_after", "ce_correlationid", "ce_traceparent"}
    return {"type": "object", "properties": described, "required": sorted(set(described) - optional)}


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3 document of the two topics."""
    messages = {
        name: {
            "name": name,
            "summary": (fact.__doc__ or "").strip().splitlines()[0],
            "headers": {"$ref": "#/components/schemas/Headers"},
            "payload": {"$ref": f"./schemas/{name}.json"},
            "tags": [{"name": fact.source}],
        }
        for name, fact in sorted(FACTS.items())
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Liên Thông – dossier.timeline",
            "version": "1.0.0",
            "description": f"CloudEvents 1.0, Kafka binary mode, key = dossier id, at most {MAX_EVENT_BYTES} bytes. "
            "No personal data. Read in the order of (time, source, dossierseq); apply by dossierseq and after.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "timeline": {"address": TOPIC, "messages": {name: _message(name) for name in messages}},
            "reference": {
                "address": REFERENCE_TOPIC,
                "description": "Compacted; key = kind/code/version. Owners: "
                + ", ".join(f"{kind} {owner}" for kind, owner in sorted(OWNERS.items())),
                "messages": {"Reference": {"$ref": "#/components/messages/Reference"}},
            },
        },
        "operations": {f"{service}Publishes": _operation(service) for service in SERVICES},
        "components": {
            "messages": {**messages, "Reference": {"name": "Reference", "payload": _reference()}},
            "schemas": {"Headers": headers()},
        },
    }


def _message(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/messages/{name}"}


def _operation(service: str) -> dict[str, Any]:
    module = next(module for module in MODULES if module.__name__.endswith(f".{service}"))
    own = [name for name, fact in sorted(FACTS.items()) if fact.__module__ == module.__name__]
    return {
        "action": "send",
        "channel": {"$ref": "#/channels/timeline"},
        "messages": [{"$ref": f"#/channels/timeline/messages/{name}"} for name in own],
    }


def _reference() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "kind": {"enum": sorted(OWNERS)},
            "code": {"type": "string"},
            "version": {"type": "integer", "minimum": 1},
            "data": {"type": "object"},
        },
        "required": ["kind", "code", "version", "data"],
    }


def text_of(document: dict[str, Any]) -> str:
    """Return a document as it is committed."""
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=False) + "\n"


def main(*, only_check: bool) -> int:
    """Write or check every document; return the exit code."""
    drifted = []
    for path, text in documents():
        if path.exists() and path.read_text() == text:
            continue
        drifted.append(path.relative_to(DOCS.parent))
        if not only_check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    for path in drifted:
        print(f"{'drifted' if only_check else 'written'}: {path}")
    if only_check and drifted:
        print("The contracts in docs/ are not what the code says: run `python -m deploy.publish` and commit.")
    return int(only_check and bool(drifted))


if __name__ == "__main__":
    sys.exit(main(only_check="--check" in sys.argv[1:]))
