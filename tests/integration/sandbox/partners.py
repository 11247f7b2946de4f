"""What the sandbox's tests talk with: one outside system over HTTP, and a receiver of its callbacks."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from deploy.local.serving import serving
from deploy.sandbox.app import make_app
from deploy.sandbox.system import Place
from shared import outgoing
from tests.support import eventually, free_port

SECRET = "bi-mat-cua-bai-thu"  # noqa: S105 - invented for the tests
CODE = "H99.01-261119-0001"


@dataclass
class Receiver:
    """A tiny server that takes callbacks; *answers* are used up first, then *usual* is said."""

    url: str
    usual: dict[str, Any]
    answers: list[tuple[int, Any]] = field(default_factory=list)
    got: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)
    is_open: asyncio.Event = field(default_factory=asyncio.Event)
    held: str = ""
    """A text: callbacks that contain it wait for *is_open* before they are answered."""

    def bodies(self) -> list[dict[str, Any]]:
        """Return what came, parsed."""
        return [json.loads(body) for _, body, _ in self.got]

    def events(self) -> list[str]:
        """Return the names of what came."""
        return [event for event, _, _ in self.got]

    async def reached(self, number: int) -> None:
        """Wait until that many came."""

        async def enough() -> bool:
            return len(self.got) >= number

        await eventually(enough)


class PostOffice:
    """One server for many receivers, each at an address of its own: a late callback meets no other test."""

    def __init__(self, port: int) -> None:
        self.app = FastAPI()
        self._base, self._receivers = f"http://127.0.0.1:{port}", list[Receiver]()

        @self.app.post("/{number}/{event}")
        async def take(number: int, event: str, request: Request) -> JSONResponse:
            receiver = self._receivers[number]
            receiver.got.append((event, await request.body(), dict(request.headers)))
            if receiver.held and receiver.held in (await request.body()).decode():
                await receiver.is_open.wait()
            status, answer = receiver.answers.pop(0) if receiver.answers else (200, receiver.usual)
            return JSONResponse(answer, status)

    def open(self, usual: dict[str, Any]) -> Receiver:
        """Return a receiver that usually says *usual*."""
        self._receivers.append(Receiver(f"{self._base}/{len(self._receivers)}", usual))
        return self._receivers[-1]

    def release(self) -> None:
        """Answer whatever is still held, so that the server can close."""
        for receiver in self._receivers:
            receiver.is_open.set()


@contextlib.asynccontextmanager
async def post_office() -> AsyncIterator[PostOffice]:
    """Run a server for receivers on a free port."""
    port = free_port()
    office = PostOffice(port)
    async with serving(office.app, port):
        try:
            yield office
        finally:
            office.release()


@dataclass
class Partner:
    """One outside system."""

    name: str
    client: httpx.AsyncClient

    async def call(self, path: str, body: Any, **more: Any) -> Any:
        """Send one call of the contract and return the parsed answer."""
        return (await self.post(path, body, **more)).json()

    async def post(self, path: str, body: Any, **more: Any) -> httpx.Response:
        """Send one call of the contract."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.client.post(f"/{self.name}/{path}", content=content, **more)

    async def ask(self, path: str = "", **params: Any) -> Any:
        """Read something beside the contract."""
        answer = await self.client.get(f"/sandbox/{self.name}{path}", params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def dossier(self, code: str = CODE) -> Any:
        """Return a dossier as the system knows it."""
        return await self.ask(f"/dossiers/{code}")

    async def codes(self) -> list[str]:
        """Return the codes of its dossiers."""
        return [one["code"] for one in (await self.ask("/dossiers"))["items"]]

    async def log(self, **params: Any) -> list[dict[str, Any]]:
        """Return the log, oldest first."""
        items: list[dict[str, Any]] = (await self.ask("/calls", **params))["items"]
        return items

    async def act(self, action: str, code: str = CODE, **body: Any) -> httpx.Response:
        """Do what a clerk does."""
        return await self.client.post(f"/sandbox/{self.name}/dossiers/{code}/{action}", json=body)

    async def put(self, path: str, body: Any) -> httpx.Response:
        """Set something beside the contract."""
        return await self.client.put(f"/sandbox/{self.name}/{path}", json=body)

    async def faults(self, *switches: dict[str, Any], seed: int = 7) -> Any:
        """Turn fault switches on."""
        answer = await self.put("faults", {"seed": seed, "switches": switches})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def listen(self, receiver: Receiver, **more: Any) -> None:
        """Let callbacks go to *receiver*, with short pauses."""
        pauses = {"first_pause_seconds": 0.05, "longest_pause_seconds": 0.2}
        answer = await self.put("callback", {"url": receiver.url, **pauses, **more})
        assert answer.status_code == 200, answer.text

    async def reset(self) -> None:
        """Forget everything and turn everything off; counters go on."""
        await self.put("autopilot", {})
        await self.put("callback", {})
        for path in ("faults", "dossiers"):
            assert (await self.client.delete(f"/sandbox/{self.name}/{path}")).status_code == 204

    async def reaches(self, state: str, code: str = CODE) -> Any:
        """Wait until a dossier is in *state*."""

        async def there() -> Any:
            found = await self.dossier(code)
            return found if found["state"] == state else None

        return await eventually(there)


@contextlib.asynccontextmanager
async def partner(name: str, folder: Path | None = None, clock: str = "") -> AsyncIterator[Partner]:
    """Run the sandbox on free ports and return one of its systems."""
    place = Place(folder, free_port(), clock=clock)
    async with (
        serving(make_app(place), free_port()) as url,
        outgoing.client(base_url=url, timeout=10) as client,
    ):
        yield Partner(name, client)


def reception(code: str = CODE, **more: Any) -> dict[str, Any]:
    """Return the body of VBDLIS's tiepnhan."""
    return {
        "SoBienNhan": code,
        "MaHoSoMotCua": code,
        "NguoiTiepNhan": "Cán bộ Một cửa thử",
        "NgayTiepNhan": "2026-11-19T01:00:00Z",
        "NgayHenTra": "2026-12-01T10:00:00Z",
        "ThongTinNguoiNopDon": {"HoTen": "Nguyễn Văn Thử", "SoChungMinh": "000000000000"},
        "ThongTinQuyTrinh": {"MaQuyTrinh": "CN", "TenQuyTrinh": "Chuyển nhượng"},
        "ThongTinThuaDat": [{"SoThuTuThua": "1", "SoHieuBanDo": "2", "DienTich": 100.5}],
        **more,
    }


def slip(seq_id: str = "S1", code: str = CODE) -> dict[str, Any]:
    """Return message 10 of the tax gateway."""
    common = {"MA_HS": code, "SO_PHIEU": "PC-01", "NGAYCHUYEN": "2026-11-20T02:00:00Z", "LOAI_HOSO": "CN"}
    body = {"TT_CHUNG": common, "TT_NSD": {"HO_TEN": "Nguyễn Văn Thử"}, "TT_THUADAT": {"DIEN_TICH": 100}}
    return {"MSG_TYPE": "10", "SEQ_ID": seq_id, "SEQ_REFID": "", "BODY": body}


def creation(code: str = CODE) -> dict[str, Any]:
    """Return the body of BHXH's TiepNhanHoSo."""
    return {
        "MaHoSoMotCua": code,
        "MaThuTuc": "BH.01",
        "NguoiNop": {"HoTen": "Trần Thị Thử"},
        "NgayTiepNhan": "2026-11-19T01:00:00Z",
        "NgayHenTra": "2026-12-01T10:00:00Z",
        "ThanhPhanHoSo": [{"TenGiayTo": "Tờ khai thử", "SoLuong": 1}],
    }


def header(code: str = CODE, **more: Any) -> dict[str, Any]:
    """Return one entry of the portal's DongBoHoSoMC."""
    return {
        "MaHoSo": code,
        "MaTTHC": "1.000001",
        "TenTTHC": "Thủ tục thử",
        "MaLinhVuc": "DD",
        "TenLinhVuc": "Đất đai",
        "KenhThucHien": "1",
        "ChuHoSo": "Nguyễn Văn Thử",
        "LoaiDoiTuong": "1",
        "NgayTiepNhan": "20261119080000",
        "NgayHenTra": "20261201170000",
        "TrangThaiHoSo": "2",
        **more,
    }


def step(code: str = CODE, **more: Any) -> dict[str, Any]:
    """Return one entry of the portal's CapNhatTienDoHoSoMC."""
    return {
        "MaHoSo": code,
        "NguoiXuLy": "Cán bộ thử",
        "ChucDanh": "Chuyên viên",
        "ThoiDiemXuLy": "20261120090000",
        "PhongBanXuLy": "Một cửa",
        "NoiDungXuLy": "Chuyển xử lý",
        "TrangThai": "4",
        **more,
    }
