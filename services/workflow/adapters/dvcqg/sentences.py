"""What a citizen reads of each fact; codes of agencies and notices only, never a person's particulars."""

import re
from collections.abc import Callable, Mapping

from services.workflow.adapters.instants import words
from services.workflow.adapters.port import Json

Sentence = Callable[[Json], str]
DOCUMENT = re.compile(r"\d+/\d{4}")
"""A citation that names a document; data also hold notes such as *to be confirmed*, for nobody to read."""


def sentence(fact: str, data: Json) -> str | None:
    """Return the Vietnamese sentence of a fact; None if there is none for it."""
    say = SENTENCES.get(fact)
    return say(data) if say is not None else None


def cited(text: str, citation: str) -> str:
    """Return *text* with the document that it rests on, if one is named."""
    return f"{text} (căn cứ: {citation})" if DOCUMENT.search(citation) else text


def _plain(text: str) -> Sentence:
    return lambda _: text


def _because(text: str) -> Sentence:
    return lambda data: f"{text} (mã lý do: {data['reason_code']})"


def _offered(data: Json) -> str:
    if data.get("holder") == "applicant":
        return f"Chờ người nộp hồ sơ thực hiện: {data['task']}"
    return f"Chuyển hồ sơ đến {data.get('agency_code') or 'cơ quan xử lý'}: {data['task']}"


def _completed(data: Json) -> str:
    stretch = data.get("automatic")
    if stretch:
        return f"Hệ thống tự động hoàn thành: {stretch['task']}"
    return f"Đã hoàn thành chặng {data['leg_no']}"


def _asked(data: Json) -> str:
    papers = ", ".join(data["component_codes"])
    until = f", hạn bổ sung {data['respond_by']}" if data.get("respond_by") else ""
    return f"Yêu cầu bổ sung, hoàn thiện hồ sơ lần {data['request_no']}: {papers}{until}"


def _paid(data: Json) -> str:
    left = data.get("outstanding", 0)
    rest = f", còn {left} thông báo chưa nộp" if left else ""
    return f"Đã nhận chứng từ nộp tiền theo thông báo {data['notice_no']}{rest}"


def _resolved(data: Json) -> str:
    result = {"granted": "đã có kết quả", "not_granted": "không đủ điều kiện, có văn bản trả lời"}
    return f"Đã giải quyết xong hồ sơ: {result[data['outcome']]}"


def _moved(data: Json) -> str:
    text = f"Hẹn lại ngày trả kết quả: từ {words(data['from_at'])} sang {words(data['to_at'])}"
    return cited(text, data["citation"])


def _resumed(data: Json) -> str:
    anew = ", thời hạn được tính lại từ đầu" if data["restarts"] else ""
    return f"Tiếp tục tính thời hạn giải quyết{anew}"


def _returned(data: Json) -> str:
    how = {"counter": "tại bộ phận một cửa", "post": "qua bưu chính", "electronic": "bằng bản điện tử"}
    return f"Đã trả kết quả {how[data['delivery']]}"


SENTENCES: Mapping[str, Sentence] = {
    "DossierSubmitted": _plain("Hồ sơ đã được nộp"),
    "DossierAccepted": lambda data: (
        f"Hồ sơ được tiếp nhận với mã {data['code']}, hẹn trả kết quả lúc {words(data['appointment_at'])}"
    ),
    "DossierRefused": _because("Hồ sơ không được tiếp nhận"),
    "SupplementRequested": _asked,
    "SupplementReceived": lambda data: f"Đã nhận hồ sơ bổ sung lần {data['request_no']}",
    "PaymentRequested": lambda data: f"Yêu cầu nộp tiền theo thông báo {data['notice_no']}",
    "PaymentRecorded": _paid,
    "ApplicantChanged": _plain("Cập nhật thông tin chủ hồ sơ"),
    "DossierWithdrawn": _because("Người nộp rút hồ sơ"),
    "DossierStopped": _because("Dừng giải quyết hồ sơ"),
    "ResultPosted": _plain("Kết quả đã được giao cho bưu chính để chuyển đến người nộp hồ sơ"),
    "ResultReturned": _returned,
    "DossierReopened": _because("Kết quả có sai sót, hồ sơ được xử lý lại"),
    "LegOffered": _offered,
    "LegAcknowledged": lambda data: f"Cơ quan được giao đã nhận xử lý chặng {data['leg_no']}",
    "LegCompleted": _completed,
    "LegReturned": lambda data: f"Chặng {data['leg_no']} được chuyển trả lại (mã lý do: {data['reason_code']})",
    "RouteCompleted": _resolved,
    "DeadlineMoved": _moved,
    "ClockSuspended": lambda data: cited("Tạm dừng tính thời hạn giải quyết", data["citation"]),
    "ClockResumed": _resumed,
}
