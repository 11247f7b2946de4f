"""States and codes of the social insurance office; all invented."""

STATES = {
    "received": "Đã tiếp nhận",
    "checking": "Đang kiểm tra",
    "deciding": "Đang giải quyết",
    "waiting_supplement": "Chờ bổ sung",
    "finished": "Đã giải quyết",
    "refused": "Không giải quyết",
}
NEXT = {"received": "checking", "checking": "deciding"}
MOVING = frozenset({"received", "checking", "deciding"})
OPEN = MOVING | {"waiting_supplement"}
OK, ERROR, REPEATED = 0, -1, 1
"""MaLoi."""
OFFICE = "99001"
"""The first five digits of every number: an invented office."""
