"""What can go wrong, once: every error has a status, a stable code and a text in Vietnamese and English."""

from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True)
class Text:
    """The same sentence in the two languages that problem documents speak."""

    vi: str
    en: str

    def __call__(self, language: str) -> str:
        return self.en if language == "en" else self.vi


@dataclass
class DomainError(Exception):
    """A refusal that a caller can understand; rendered as ``application/problem+json`` (RFC 9457)."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    title: ClassVar[Text] = Text("Yêu cầu không hợp lệ", "Bad request")

    detail: Text | str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    """Members added to the problem document, such as ``allowed`` or ``errors``."""
    retry_after: int | None = None
    """Seconds."""

    def __str__(self) -> str:
        detail = self.detail if isinstance(self.detail, str) else self.detail.en
        return f"{self.code}: {detail}"


class Unauthenticated(DomainError):
    """No bearer token, or one that does not verify."""

    status = 401
    code = "unauthenticated"
    title = Text("Chưa xác thực", "Not authenticated")


class Forbidden(DomainError):
    """Authenticated, but not for this."""

    status = 403
    code = "forbidden"
    title = Text("Không có quyền", "Forbidden")


class NotFound(DomainError):
    """Nothing here by that name, or not for this caller's eyes."""

    status = 404
    code = "not_found"
    title = Text("Không tìm thấy", "Not found")


class DossierUnknown(NotFound):
    """No such dossier in this service."""

    code = "dossier_unknown"
    title = Text("Không tìm thấy hồ sơ", "Unknown dossier")


class IllegalTransition(DomainError):
    """The state does not allow this; ``allowed`` lists what it allows now."""

    status = 409
    code = "illegal_transition"
    title = Text("Trạng thái hiện tại không cho phép", "The present state does not allow this")


class AlreadyDone(IllegalTransition):
    """The same thing was done before."""

    code = "already_done"
    title = Text("Việc này đã được thực hiện", "Already done")


class KeyInUse(DomainError):
    """The first request with this Idempotency-Key is still running."""

    status = 409
    code = "idempotency_key_in_use"
    title = Text("Yêu cầu cùng khóa đang được xử lý", "A request with this key is still running")


class StaleVersion(DomainError):
    """If-Match names a version that is no longer the present one."""

    status = 412
    code = "stale_version"
    title = Text("Dữ liệu đã thay đổi, hãy tải lại", "The resource has changed, read it again")


class VersionRequired(DomainError):
    """A command on this resource needs If-Match."""

    status = 428
    code = "version_required"
    title = Text("Thiếu If-Match", "If-Match is required")


class KeyRequired(DomainError):
    """A POST that creates needs an Idempotency-Key."""

    status = 400
    code = "idempotency_key_required"
    title = Text("Thiếu Idempotency-Key", "Idempotency-Key is required")


class Malformed(DomainError):
    """The body or a parameter is not what the contract says; ``errors`` lists every wrong field."""

    status = 422
    code = "malformed"
    title = Text("Dữ liệu không hợp lệ", "The request is not valid")


def wrong_field(pointer: str, code: str, vi: str, en: str) -> dict[str, Any]:
    """Return one entry of the ``errors`` of a ``Malformed``; its words are said in the caller's language."""
    return {"pointer": pointer, "code": code, "detail": Text(vi, en)}


class KeyReused(DomainError):
    """The same Idempotency-Key came with another body."""

    status = 422
    code = "idempotency_key_reused"
    title = Text("Khóa đã dùng cho yêu cầu khác", "The key was used for another request")


class BodyTooLarge(DomainError):
    """More bytes than this service takes."""

    status = 413
    code = "body_too_large"
    title = Text("Nội dung quá lớn", "The body is too large")


class WrongMediaType(DomainError):
    """Not JSON."""

    status = 415
    code = "wrong_media_type"
    title = Text("Chỉ nhận application/json", "Only application/json is accepted")


class CalendarIncomplete(DomainError):
    """The working calendar does not reach as far as this needs; a new version of it has to be published."""

    status = 409
    code = "calendar_incomplete"
    title = Text("Lịch làm việc chưa bao phủ thời gian này", "The working calendar does not cover this time")


class Unavailable(DomainError):
    """Not now; try again after ``Retry-After``."""

    status = 503
    code = "unavailable"
    title = Text("Tạm thời chưa phục vụ được", "Temporarily unavailable")


class Starting(Unavailable):
    """The service still asks the others whether its ledger holds all they have of it."""

    code = "starting"
    title = Text("Dịch vụ đang khởi động", "The service is starting")


class RestoredFromBackup(Unavailable):
    """Others know events of this service that its ledger lacks: it reads, and writes nothing until it has recovered."""

    code = "restored_from_backup"
    title = Text("Dữ liệu được khôi phục từ bản sao lưu cũ", "The database was restored from an old backup")


class DossierFrozen(DomainError):
    """Two histories of this dossier are about: nothing more is written until a person has decided."""

    status = 409
    code = "dossier_frozen"
    title = Text("Hồ sơ đang bị khóa để đối soát", "The dossier is frozen")
