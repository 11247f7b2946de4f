"""A sender as one-stop software in use has it: every habit here was read in such code (contracts, section 1)."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.integration.sandbox.partners import Partner, header, reception, slip, step

Send = Callable[[str, str], Awaitable[object]]
OPEN = {"waiting", "sending"}
ROUTE = ("tax", "payment", "registration", "result")
STEPS = {"THAMDINH": "appraisal", "CHUYENTHUE": "tax"}
LOSSY = {"1": "1", "2": "2", "3": "9", "4": "4", "5": "4", "7": "9", "8": "9", "9": "9", "10": "9"}
"""A mapping that has no word for a supplement or a stop."""


@dataclass
class Row:
    """What waits to be sent: which dossier, not which change."""

    code: str
    state: str = "waiting"
    n_tries: int = 0


@dataclass
class Naive:
    """Dossiers as they are now, a queue, and a timer's run that sends the oldest row."""

    send: Send
    most_tries: int = 1
    """1: an exception falls through to success."""
    now: dict[str, str] = field(default_factory=dict)
    queue: list[Row] = field(default_factory=list)

    def change(self, code: str, status: str = "2") -> None:
        """Change a dossier; a row that waits or is on its way stands for this change too."""
        self.now[code] = status
        if not self.is_waiting(code):
            self.queue.append(Row(code))

    def is_waiting(self, code: str) -> bool:
        """Say whether something of a dossier is not sent yet: its buttons are disabled until it is."""
        return any(row.code == code and row.state in OPEN for row in self.queue)

    async def run(self) -> None:
        """Send the oldest open row; one that is being sent is somebody's already."""
        row = next((row for row in self.queue if row.state in OPEN), None)
        if row is None or row.state == "sending":
            return
        row.state, row.n_tries = "sending", row.n_tries + 1
        try:
            await self.send(row.code, self.now[row.code])
        except Exception:  # noqa: BLE001 - as it was seen
            if self.most_tries > 1:
                row.state = "waiting" if row.n_tries < self.most_tries else "error"
                return
        row.state = "done"


async def node(queue: list[Row], send: Send) -> None:
    """Be one of two nodes: read what waits, send it, mark it afterwards."""
    due = [row for row in queue if row.state == "waiting"]
    await asyncio.sleep(0)
    for row in due:
        await send(row.code, "")
        row.state = "done"


@dataclass
class Portal:
    """Calls of the national portal, dialect A."""

    partner: Partner

    async def call(self, service: str, **more: Any) -> Any:
        """Log in and call."""
        account = {"username": "lienthong", "password": "chi-de-thu"}
        session = (await self.partner.post("a/mapi/login", account)).raise_for_status().json()["session"]
        said = {"session": session, "madonvi": "H99", "service": service, **more}
        return (await self.partner.post("a/mapi/g", said, headers={"dstcode": "G99"})).raise_for_status().json()

    async def tell(self, code: str, status: str) -> None:
        """Send header and progress, as if for the first time."""
        await self.call("DongBoHoSoMC", data=[header(code, TrangThaiHoSo=status)])
        await self.call("CapNhatTienDoHoSoMC", data=[step(code, TrangThai=status)])


@dataclass
class Flagged:
    """One flag for each dossier, and a mapping that loses what it has no word for."""

    portal: Portal
    flags: set[str] = field(default_factory=set)

    async def tell(self, code: str, status: str) -> None:
        """Send a dossier unless its flag is 1."""
        if code not in self.flags:
            await self.portal.tell(code, LOSSY[status])
            self.flags.add(code)


@dataclass
class Registry:
    """Calls of VBDLIS."""

    partner: Partner

    async def tell(self, code: str, _: str) -> Any:
        """Create a dossier."""
        return (await self.partner.post("tiepnhan", reception(code))).raise_for_status().json()

    async def is_told(self, code: str) -> bool:
        """Create a dossier; whether it went well is read in the words."""
        words = str((await self.tell(code, ""))["status"]["message"]).lower()
        return "thành công" in words or "đã tồn tại" in words


@dataclass
class Tax:
    """Calls of the tax gateway, every one a new message."""

    partner: Partner

    async def tell(self, code: str, _: str) -> Any:
        """Send the slip."""
        return (await self.partner.post("TCT_GPC", slip(f"S-{uuid4()}", code))).raise_for_status().json()


@dataclass
class Desk:
    """Hears callbacks; the yes is said outside, whatever becomes of them."""

    legs: dict[str, str]
    log: list[str] = field(default_factory=list)

    def hear(self, event: str, body: dict[str, Any]) -> None:
        """Apply what is known; all else falls through, or becomes a line in a log."""
        code = body.get("SoBienNhan") or body["BODY"]["MA_HS"]
        if code not in self.legs:
            return
        if event == "TCT_GPC":
            self.legs[code] = ROUTE[ROUTE.index(self.legs[code]) + 1]
        elif event == "KetThucHoSo":
            self.legs[code] = "result"
        elif event == "NhanBoSungHoSo":
            self.log.append(f"{code}: {body['NgayHenTraMoi']}")
        elif body.get("MaTrangThai") in STEPS:
            self.legs[code] = STEPS[body["MaTrangThai"]]


async def accept_and_tell(database: sqlite3.Connection, code: str, send: Send) -> None:
    """Accept a dossier: tell the partner first, commit afterwards."""
    with database:
        database.execute("INSERT INTO dossier (code) VALUES (?)", (code,))
        await send(code, "2")
        database.execute("INSERT INTO receipt (code) VALUES (?)", (code,))
