"""Tells a dossier's life as it happens, and at its end what every service says about it."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from deploy.demo.client import PAUSE_SECONDS, Client, Json, Refused
from deploy.demo.story import UNIT, Story
from shared.settings import SERVICES
from shared.worktime import LOCAL

Say = Callable[[Json], str]
NAMES = {
    "H99.01": "Một cửa phường Mẫu An",
    "H99.VPDK": "Văn phòng ĐKĐĐ tỉnh Mẫu",
    "H99.THUE.01": "Thuế cơ sở số 1",
    "H99.THUE.02": "Thuế cơ sở số 2",
    "H99.HT.01": "Tư pháp – hộ tịch phường Mẫu An",
    "H99.BHXH.01": "BHXH cơ sở số 1",
}
WEEKDAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")


def holder(data: Json) -> str:
    """Return who holds a leg."""
    return NAMES.get(data.get("agency_code") or "", "người nộp hồ sơ")


def clock_text(text: str) -> str:
    """Return an instant as a person says it."""
    at = datetime.fromisoformat(text).astimezone(LOCAL)
    return f"{at:%H:%M} {WEEKDAYS[at.weekday()]} {at:%d/%m/%Y}"


TELLING: dict[str, Say] = {
    "DossierSubmitted": lambda d: f"Nộp hồ sơ {d['procedure']} ({d['channel']}) tới {NAMES[d['receiving_unit_code']]}",
    "DossierAccepted": lambda d: f"Tiếp nhận, mã {d['code']}, hẹn trả {clock_text(d['appointment_at'])}",
    "RouteOpened": lambda d: f"Vào quy trình {d['route']}",
    "LegOffered": lambda d: f"Chuyển tới {holder(d)}: {d['task']}",
    "LegAcknowledged": lambda d: f"Chặng {d['leg_no']}: đã nhận",
    "LegCompleted": lambda d: (
        f"{d['automatic']['task']}: hệ thống chuyển ngay"
        if d.get("automatic")
        else f"Chặng {d['leg_no']}: xong ({d['outcome']})"
    ),
    "LegCancelled": lambda d: f"Chặng {d['leg_no']}: thôi ({d['reason_code']})",
    "TaxNoticeIssued": lambda d: f"Thông báo thuế {d['notice_no']}: {d['amount']:,} đồng",
    "PaymentRequested": lambda d: f"Mời nộp tiền theo {d['notice_no']}",
    "PaymentRecorded": lambda d: f"Đã nộp {d['amount']:,} đồng theo {d['notice_no']}",
    "ClockStarted": lambda d: f"Đồng hồ chạy, hạn trả {clock_text(d['deadline_at'])}",
    "ClockSuspended": lambda d: f"Không tính thời gian: {d['ground']} ({d['citation']})",
    "ClockResumed": lambda d: f"Tính tiếp; đã loại {d['excluded_minutes']} phút làm việc",
    "DeadlineMoved": lambda d: f"Hạn trả mới {clock_text(d['to_at'])} (trước: {clock_text(d['from_at'])})",
    "LegDeadlineMoved": lambda d: f"Chặng {d['leg_no']}: hạn mới {clock_text(d['to_at'])}",
    "DeadlineApproaching": lambda d: f"Sắp đến hạn, còn {d['remaining_minutes']} phút làm việc",
    "DeadlineMissed": lambda d: f"QUÁ HẠN {clock_text(d['deadline_at'])}",
    "ClockFinished": lambda d: f"Đồng hồ dừng: {d['verdict']}, {d['elapsed_minutes']} phút làm việc",
    "RouteCompleted": lambda d: f"Giải quyết xong: {d['outcome']}",
    "ResultReturned": lambda d: f"Đã trả kết quả ({d['delivery']})",
    "MessageSent": lambda d: f"Đã gửi {d['template']} qua {d['channel']} cho {d['recipient']}",
}


def tell(item: Json) -> str:
    """Return a fact as a sentence; a type without one is told by its name."""
    name = item["type"].removeprefix("vn.lienthong.").rsplit(".v", 1)[0]
    say = TELLING.get(name)
    return say(item["data"]) if say else name


class Narrator:
    """Prints the timeline of one dossier while it grows."""

    def __init__(self, client: Client, console: Console) -> None:
        self.client = client
        self.console = console
        self._told: set[str] = set()

    async def follow(self, story: Story) -> None:
        """Tell every new fact until the dossier ended and everything about it was told."""
        while not story.done.is_set():
            await self._tell_news(story)
            await asyncio.sleep(PAUSE_SECONDS * 3)
        await asyncio.sleep(2)
        await self._tell_news(story)

    async def _tell_news(self, story: Story) -> None:
        if story.id is None:
            return
        seen = await self.client.get("intake", f"/v1/dossiers/{story.id}/timeline", "officer", UNIT)
        for item in seen["items"]:
            if item["id"] not in self._told:
                self._told.add(item["id"])
                line = f"{clock_text(item['time'])}  [cyan]{item['source']:<9}[/] {tell(item)}"
                self.console.print(line, highlight=False)

    async def sum_up(self, story: Story) -> None:
        """Print who held the dossier and how long, what was promised, and what was sent."""
        clock = await self.client.get("sla", f"/v1/dossiers/{story.id}/clock", "ops")
        self.console.print(f"\n[bold]Hồ sơ {story.code}[/]: {clock['status']}", highlight=False)
        table = Table("ai giữ", "từ", "đến", "phút làm việc", title="Ai giữ hồ sơ, bao lâu")
        for row in clock["holdings"]:
            name = NAMES.get(row["agency_code"] or "", "người nộp hồ sơ")
            note = f"{row['minutes']}" + (
                f" (+{row['suspended_minutes']} không tính)" if row["suspended_minutes"] else ""
            )
            table.add_row(name, clock_text(row["from_at"]), clock_text(row["to_at"]), note)
        self.console.print(table)
        moves = Table("hẹn trả", "vì", title="Đã hứa gì")
        moves.add_row(clock_text(clock["first_deadline_at"]), "tiếp nhận")
        for move in clock["moves"]:
            moves.add_row(clock_text(move["to_at"]), f"{move['ground_code']} ({move['citation']})")
        self.console.print(moves)
        sent = await self.client.get("notify", f"/v1/dossiers/{story.id}/messages", "ops")
        messages = Table("mẫu", "kênh", "gửi cho", "trạng thái", title="Đã báo cho ai")
        for message in sent["items"]:
            messages.add_row(message["template"], message["channel"], message["recipient"], message["status"])
        self.console.print(messages)
        await self._sum_up_systems(story)

    async def _sum_up_systems(self, story: Story) -> None:
        systems = Table("hệ thống", "đã nhận", "chưa nhận", title="Hệ thống bên ngoài")
        for system in story.systems:
            told = await self.client.get("workflow", f"/v1/systems/{system}/dossiers/{story.id}", "ops")
            n_done = sum(one["state"] == "done" for one in told["deliveries"])
            systems.add_row(system, str(n_done), str(len(told["deliveries"]) - n_done))
        self.console.print(systems)


async def in_step(client: Client, story: Story, seconds: float = 30) -> bool:
    """Say whether every outside system of the dossier takes all it was told within *seconds*."""
    for _ in range(int(seconds / 0.5)):
        paths = [f"/v1/systems/{system}/dossiers/{story.id}" for system in story.systems]
        told = [await client.get("workflow", path, "ops") for path in paths]
        if all(one["state"] == "done" for system in told for one in system["deliveries"]):
            return True
        await asyncio.sleep(0.5)
    return False


async def heads_of(client: Client, story: Story) -> dict[str, Any]:
    """Return what each service knows of the dossier."""
    found = {}
    for service in SERVICES:
        try:
            found[service] = await client.get(service, f"/v1/heads/{story.id}", "ops")
        except Refused:
            found[service] = {}
    return found


async def equal_heads(client: Client, story: Story, seconds: float = 20) -> bool:
    """Say whether all four services come to hold the same heads within *seconds*."""
    for _ in range(int(seconds / 0.25)):
        heads = await heads_of(client, story)
        if len({str(sorted(head.items())) for head in heads.values()}) == 1 and heads["intake"]:
            return True
        await asyncio.sleep(0.25)
    return False
