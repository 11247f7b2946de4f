"""Problem documents (RFC 9457): how every refusal and every failure is told, in Vietnamese or English."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from asyncpg.exceptions import DataError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException

from shared import telemetry
from shared.db import is_transient
from shared.errors import CalendarIncomplete, DomainError, Malformed, NotFound, Text, Unavailable
from shared.web import CODE_PATTERN
from shared.worktime import CalendarGap

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:lienthong:problem:"

_VIETNAMESE = {
    "missing": "Thiếu trường bắt buộc",
    "extra_forbidden": "Trường không được phép",
    "string_type": "Phải là chuỗi ký tự",
    "int_type": "Phải là số nguyên",
    "int_parsing": "Phải là số nguyên",
    "bool_type": "Phải là true hoặc false",
    "list_type": "Phải là danh sách",
    "dict_type": "Phải là đối tượng",
    "json_invalid": "Nội dung không phải JSON hợp lệ",
    "timezone_aware": "Thời điểm phải có múi giờ",
    "uuid_parsing": "Phải là UUID",
    "literal_error": "Giá trị không nằm trong danh mục",
    "enum": "Giá trị không nằm trong danh mục",
    "string_too_long": "Quá dài",
    "string_too_short": "Quá ngắn",
    "string_pattern_mismatch": "Sai định dạng",
    "greater_than_equal": "Phải từ {ge} trở lên",
    "less_than_equal": "Không được quá {le}",
    "less_than": "Phải nhỏ hơn {lt}",
    "no_such_time": "Giờ phải có dạng HH:MM, từ 00:00 đến 24:00",
}
_PATTERNS = {
    CODE_PATTERN: Text(
        "Chỉ gồm chữ cái không dấu (và Đ, đ), chữ số và . _ / @ -; bắt đầu bằng chữ cái hoặc chữ số, "
        "không có khoảng trắng, dài từ 1 đến 64 ký tự",
        "Only letters without accents (and Đ, đ), digits and . _ / @ -; it begins with a letter or a digit, "
        "has no blanks, and 1 to 64 characters",
    )
}


class _InternalError(DomainError):
    status = 500
    code = "internal_error"
    title = Text("Lỗi hệ thống", "Internal error")


class _HttpError(DomainError):
    code = "http_error"
    title = Text("Không thực hiện được", "Not possible")


def language(headers: Mapping[str, str]) -> str:
    """Return ``en`` if the caller prefers it, else ``vi``."""
    preferred = headers.get("accept-language", "").split(",")[0].strip().lower()
    return "en" if preferred.startswith("en") else "vi"


def render(error: DomainError, headers: Mapping[str, str], correlation_id: str = "") -> JSONResponse:
    """Return *error* as a problem document in the caller's language."""
    speak = language(headers)
    detail = error.detail(speak) if isinstance(error.detail, Text) else error.detail
    document = {
        "type": TYPE_PREFIX + error.code,
        "title": error.title(speak),
        "status": error.status,
        "code": error.code,
        "detail": detail or error.title(speak),
        "correlation_id": correlation_id or None,
        **_spoken(error.extra, speak),
    }
    response = JSONResponse(
        {name: value for name, value in document.items() if value is not None},
        error.status,
        media_type=MEDIA_TYPE,
    )
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _spoken(extra: Any, speak: str) -> Any:
    """Return what a problem document adds, with every text in the caller's language."""
    if isinstance(extra, Text):
        return extra(speak)
    if isinstance(extra, dict):
        return {name: _spoken(value, speak) for name, value in extra.items()}
    return [_spoken(one, speak) for one in extra] if isinstance(extra, list) else extra


def malformed(errors: Sequence[Mapping[str, Any]], speak: str) -> Malformed:
    """Return the refusal that lists every wrong field by JSON pointer; it never repeats what was sent."""
    listed = [
        {
            "pointer": pointer(error["loc"]),
            "code": error["type"],
            "detail": _detail(error, speak),
        }
        for error in errors
    ]
    return Malformed(extra={"errors": listed})


def _detail(error: Mapping[str, Any], speak: str) -> str:
    """Return what is wrong with a field; of a pattern that has words, the words."""
    given = error.get("ctx", {})
    rule = _PATTERNS.get(given.get("pattern"))
    if rule is not None:
        return rule(speak)
    if speak == "en":
        return str(error["msg"])
    return _VIETNAMESE.get(error["type"], "Giá trị không hợp lệ").format_map(given)


def pointer(location: Sequence[Any]) -> str:
    """Return a JSON pointer (RFC 6901) into the body, or ``?name`` for a parameter."""
    where, *path = location or ("body",)
    steps = "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)
    return steps if where == "body" else f"{where}{steps}"


def install(app: FastAPI) -> None:
    """Make *app* answer every error with a problem document."""

    async def domain(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, DomainError)  # noqa: S101 - what it is registered for
        return render(error, request.headers, _correlation())

    async def validation(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - what it is registered for
        return render(malformed(error.errors(), language(request.headers)), request.headers, _correlation())

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
        response = render(_of_http(error), request.headers, _correlation())
        if error.status_code == 405:
            response.headers["Allow"] = _methods(request)
        return response

    async def calendar(request: Request, error: Exception) -> JSONResponse:
        return render(CalendarIncomplete(str(error)), request.headers, _correlation())

    app.add_exception_handler(CalendarGap, calendar)
    app.add_exception_handler(DomainError, domain)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(HTTPException, http)


def failure(error: Exception, headers: Mapping[str, str]) -> JSONResponse:
    """Return the answer to an error nobody foresaw: 503 if trying again may help, else 500 without its words."""
    if is_transient(error):
        log.warning("unavailable", error=type(error).__name__)
        return render(Unavailable(retry_after=2), headers, _correlation())
    if _fits_no_column(error):
        return render(Malformed(), headers, _correlation())
    telemetry.report(log, "internal_error", error)
    return render(_InternalError(), headers, _correlation())


def _fits_no_column(error: Exception) -> bool:
    """Say whether a number or a text was sent that no column takes."""
    return isinstance(error, DataError | UnicodeError)


def _methods(request: Request) -> str:
    """Return what the address takes; the framework's own answer names the methods of its first route only."""
    there = [route for route in iter_route_contexts(request.app.routes) if hasattr(route, "path_regex")]
    found = {method for route in there if route.path_regex.match(request.url.path) for method in route.methods or ()}
    return ", ".join(sorted(found))


def _of_http(error: HTTPException) -> DomainError:
    if error.status_code == 404:
        return NotFound()
    problem = _HttpError(str(error.detail))
    problem.__dict__["status"] = error.status_code
    return problem


def _correlation() -> str:
    return str(structlog.contextvars.get_contextvars().get("correlation_id", ""))
