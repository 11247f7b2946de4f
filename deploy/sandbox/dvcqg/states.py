"""The ten states of the national portal, and the form of its instants."""

from datetime import datetime, timedelta, timezone

STATES = {
    "1": "Mới đăng ký",
    "2": "Được tiếp nhận",
    "3": "Không được tiếp nhận",
    "4": "Đang xử lý",
    "5": "Yêu cầu bổ sung",
    "6": "Yêu cầu thực hiện nghĩa vụ tài chính",
    "7": "Công dân rút hồ sơ",
    "8": "Dừng xử lý",
    "9": "Đã xử lý xong",
    "10": "Đã trả kết quả",
}
NOT_RECEIVED = {"1", "3"}
"""States in which a dossier needs no dates yet."""
HANOI = timezone(timedelta(hours=7))
STAMP = "%Y%m%d%H%M%S"


def read_stamp(text: str) -> datetime:
    """Read ``yyyyMMddHHmmss`` (dialect A) or ISO 8601 (dialect B); without an offset it is Hanoi time."""
    found = datetime.fromisoformat(text) if "-" in text else datetime.strptime(text, STAMP).replace(tzinfo=HANOI)
    return found if found.tzinfo else found.replace(tzinfo=HANOI)


def stamp(instant: datetime) -> str:
    """Write ``yyyyMMddHHmmss`` in Hanoi time."""
    return instant.astimezone(HANOI).strftime(STAMP)
