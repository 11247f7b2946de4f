"""What codes are called on the pages: clerks read Vietnamese; a code that is not here is shown as it is."""

from deploy.sandbox.outside.faults import Kind

FAULTS = {
    Kind.DOWN: "ngừng hẳn",
    Kind.DELAY: "chậm",
    Kind.BAD_GATEWAY: "cổng báo 502",
    Kind.HTML_ANSWER: "200 kèm trang HTML",
    Kind.EMPTY_ANSWER: "200 rỗng",
    Kind.ERROR_INSIDE: "báo thành công kèm lỗi",
    Kind.SILENT_LOSS: "mất không báo",
    Kind.RESET_DATES: "đặt lại ngày khi gọi lặp",
    Kind.TIMEOUT: "đã ghi nhưng không trả lời",
    Kind.DUPLICATE: "gọi đi hai lần",
    Kind.OUT_OF_ORDER: "gọi đi sai thứ tự",
    Kind.CLOCK: "đồng hồ sai",
}
STATUS = {
    "submitted": "Mới nộp",
    "supplement_requested": "Chờ bổ sung",
    "accepted": "Đã tiếp nhận",
    "refused": "Từ chối tiếp nhận",
    "processing": "Đang giải quyết",
    "payment_requested": "Chờ nộp nghĩa vụ tài chính",
    "resolved": "Có kết quả",
    "posted": "Đã gửi bưu chính",
    "returned": "Đã trả kết quả",
    "withdrawn": "Đã rút hồ sơ",
    "stopped": "Dừng giải quyết",
}
"""How a dossier stands at the one-stop."""
DELIVERY = {
    "waiting": "đang chờ gửi",
    "unknown": "chưa rõ đã ghi hay chưa",
    "refused": "bị từ chối",
}
"""How a change that was not taken stands."""
FACTS = {
    "ApplicantChanged": "đổi thông tin người nộp",
    "ClockResumed": "tính tiếp thời hạn",
    "ClockSuspended": "tạm dừng thời hạn",
    "DeadlineMoved": "đổi ngày hẹn trả",
    "DossierAccepted": "tiếp nhận",
    "DossierRefused": "từ chối tiếp nhận",
    "DossierReopened": "mở lại hồ sơ",
    "DossierStopped": "dừng giải quyết",
    "DossierSubmitted": "nộp hồ sơ",
    "DossierWithdrawn": "rút hồ sơ",
    "LegAcknowledged": "cơ quan nhận việc",
    "LegCancelled": "thôi chuyển",
    "LegCompleted": "cơ quan xong việc",
    "LegOffered": "chuyển cơ quan",
    "LegReturned": "cơ quan trả lại",
    "PaymentRecorded": "đã nộp tiền",
    "PaymentRequested": "yêu cầu nộp tiền",
    "ResultPosted": "gửi kết quả qua bưu chính",
    "ResultReturned": "trả kết quả",
    "RouteCompleted": "xong mọi bước",
    "SupplementReceived": "nhận bổ sung",
    "SupplementRequested": "yêu cầu bổ sung",
}
"""What the one-stop tells (``tells`` of a system)."""
