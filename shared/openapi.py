"""The published OpenAPI: what FastAPI derives, and what the edge adds – required headers and problem documents."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

MEDIA_TYPE = "application/problem+json"
Json = dict[str, Any]

_TEXT = {"type": "string"}
_PROBLEM: Json = {
    "title": "Problem",
    "description": "RFC 9457; type and code are stable, title and detail Vietnamese, or English by Accept-Language.",
    "type": "object",
    "properties": {
        "type": {"type": "string", "pattern": "^urn:lienthong:problem:[a-z_]+$"},
        "title": _TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "pattern": "^[a-z_]+$"},
        "detail": _TEXT,
        "correlation_id": _TEXT,
        "allowed": {"type": "array", "items": _TEXT, "description": "409: what the state allows now"},
        "errors": {
            "type": "array",
            "description": "422: every wrong field",
            "items": {
                "type": "object",
                "properties": {"pointer": _TEXT, "code": _TEXT, "detail": _TEXT},
                "required": ["pointer", "code"],
            },
        },
    },
    "required": ["type", "title", "status", "code", "detail"],
}
_MEANINGS = {
    400: "Idempotency-Key is missing",
    401: "No valid bearer token",
    403: "Not for this caller",
    404: "Nothing here by that name, or not for this caller's eyes",
    409: "The present state does not allow this; or a request with the same Idempotency-Key still runs",
    412: "The resource has changed since the version in If-Match",
    413: "The body is too large",
    415: "The body is not application/json",
    422: "Malformed; errors lists every wrong field. Or the Idempotency-Key was used for another request",
    428: "If-Match is missing",
    503: "Not now; ask again after Retry-After",
}
_REQUIRED_HEADERS: dict[str, Json] = {
    "If-Match": {"type": "string", "pattern": r'^"[0-9]{1,9}"$', "description": "The ETag of the version seen"},
    "Idempotency-Key": {"type": "string", "minLength": 1, "maxLength": 255},
}


def install(app: FastAPI) -> None:
    """Make *app* publish what its edge really takes and answers."""
    derived = app.openapi

    def openapi() -> Json:
        if app.openapi_schema is None:
            document = derived()
            for path, operations in document["paths"].items():
                for method, operation in operations.items():
                    _complete(path, method, operation)
            components = document.setdefault("components", {})
            components["responses"] = {f"Problem{status}": _response(status) for status in _MEANINGS}
            schemas = components.setdefault("schemas", {})
            schemas["Problem"] = _PROBLEM
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]


def _response(status: int) -> Json:
    return {
        "description": _MEANINGS[status],
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _complete(path: str, method: str, operation: Json) -> None:
    names = set()
    for parameter in operation.get("parameters", []):
        names.add(parameter["name"])
        if parameter["name"] in _REQUIRED_HEADERS:
            parameter |= {"required": True, "schema": _REQUIRED_HEADERS[parameter["name"]]}
    for status in _refusals(path, method, operation, names):
        operation["responses"][str(status)] = {"$ref": f"#/components/responses/Problem{status}"}


def _refusals(path: str, method: str, operation: Json, names: set[str]) -> Iterator[int]:
    """Yield the statuses an operation may refuse with, by what it asks for.

    A POST or DELETE may meet a state that does not allow it, or an Idempotency-Key that is still in use.
    """
    has_body = "requestBody" in operation
    reasons = (
        (path.startswith("/v1"), (503,)),
        ("security" in operation, (401, 403)),
        (bool(names) or has_body, (422,)),
        ("{" in path, (404,)),
        (method in {"post", "delete"} or "If-Match" in names, (409,)),
        ("If-Match" in names, (412, 428)),
        ("Idempotency-Key" in names, (400,)),
        (has_body, (413, 415)),
    )
    for applies, statuses in reasons:
        if applies:
            yield from statuses
