"""The table of VBDLIS's answers: it says everything in words, so the words are listed, call by call."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from services.workflow.adapters.port import Answer, Json, Said

YES = {
    "tiepnhan": ("thành công",),
    "capnhattrangthaibosunghoso": ("cập nhật thành công",),
    "capnhattrangthaitraketquahoso": ("cập nhật thành công",),
    "phanhoihososaiketqua": ("đã ghi nhận phản hồi",),
}
NO = {
    "tiepnhan": ("đã tồn tại",),
    "capnhattrangthaibosunghoso": ("không chờ bổ sung",),
    "capnhattrangthaitraketquahoso": ("đã được trả", "chưa kết thúc xử lý"),
    "phanhoihososaiketqua": ("chưa có kết quả",),
}
PROVES = {
    "tiepnhan": ("đã tồn tại",),
    "capnhattrangthaibosunghoso": ("không chờ bổ sung",),
    "capnhattrangthaitraketquahoso": ("đã được trả",),
}
"""What an earlier try that took effect makes it say. "chưa có kết quả" is not seen as harmless: a person looks."""
NOT_THERE = "không tìm thấy hồ sơ"
MALFORMED = ("dữ liệu không hợp lệ", "nội dung không phải là một đối tượng json")


def judged(call: str, answer: Json, code: str, *, is_repeat: bool) -> Said:
    """Return what an answer to *call* about the dossier *code* means."""
    status = answer.get("status")
    status = status if isinstance(status, dict) else {}
    words = str(status.get("message", ""))
    return Said(
        _meaning(call, (answer.get("data"), status), plain(words), plain(code), is_repeat), _code(status), words
    )


def _meaning(call: str, said: tuple[Any, Json], words: str, code: str, is_repeat: bool) -> Answer:
    data, status = said
    is_yes, is_no = _is(data, 1), _is(data, 0)
    if is_yes and status.get("success") is True and _is(status.get("code"), 200) and _whole(YES[call], words, code):
        return Answer.TAKEN
    if not is_no or status.get("success") is not False:
        return Answer.UNKNOWN
    if is_repeat and _whole(PROVES.get(call, ()), words, code):
        return Answer.TAKEN
    is_listed = _whole(NO[call], words, code) or words in {NOT_THERE, f"{NOT_THERE} {code}"}
    return Answer.REFUSED if is_listed or words.startswith(MALFORMED) else Answer.UNKNOWN


def _whole(listed: Iterable[str], words: str, code: str) -> bool:
    """Say whether *words* are one of *listed*, with nothing before them but the dossier."""
    return any(words in {one, f"hồ sơ {one}", f"hồ sơ {code} {one}"} for one in listed)


def _is(value: Any, number: int) -> bool:
    return not isinstance(value, bool) and value in (number, str(number))


def plain(words: str) -> str:
    """Return *words* as they are compared: NFC, small, single blanks, no full stop."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", words).casefold()).strip().removesuffix(".")


def _code(status: Json) -> str:
    return str(status.get("code", ""))
