"""TCP proxies behind the advertised listeners: they know who calls whom, and hold back what is cut off.

What was cut goes on when it is mended, as it does over a real network: late, not lost.
"""

import asyncio
import threading
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psutil

from deploy.local.ports import LOOPBACK

T = TypeVar("T")
CHUNK = 65_536


@dataclass(eq=False)
class Line:
    """One connection through a door."""

    port: int
    """The caller's."""
    to: str
    open: asyncio.Event = field(default_factory=asyncio.Event)


class Doors:
    """All proxies, on a loop and a thread of their own; *callers* says which process ids are whose."""

    def __init__(self, callers: Callable[[], dict[int, str]]) -> None:
        self._callers = callers
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="doors", daemon=True)
        self._lines: set[Line] = set()
        self._cuts: list[tuple[frozenset[str], frozenset[str]]] = []
        self._servers: list[asyncio.Server] = []
        self._thread.start()

    def open(self, port: int, behind: int, to: str) -> None:
        """Let *port* lead to the port *behind* of *to*."""

        async def serve() -> None:
            async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await self._carry(reader, writer, behind, to)

            self._servers.append(await asyncio.start_server(welcome, LOOPBACK, port))

        self._run(serve())

    def cut(self, who: Collection[str], to: Collection[str]) -> None:
        """Hold back everything between *who* and *to* from now on, in both directions of their connections."""
        self._cuts.append((frozenset(who), frozenset(to)))
        self._run(self._judge_all())

    def mend(self) -> None:
        """Let everything through again, what was held back first."""
        self._cuts.clear()
        self._run(self._judge_all())

    def close(self) -> None:
        """Close all doors."""
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _judge_all(self) -> None:
        owners = self._owners() if self._cuts else {}
        for line in self._lines:
            self._judge(line, owners)

    def _judge(self, line: Line, owners: dict[int, str]) -> None:
        who = owners.get(line.port, "")
        is_cut = any(who in callers and line.to in called for callers, called in self._cuts)
        (line.open.clear if is_cut else line.open.set)()

    def _owners(self) -> dict[int, str]:
        """Return whose the local ports of open connections are."""
        owners: dict[int, str] = {}
        for pid, name in self._callers().items():
            try:
                found = psutil.Process(pid).net_connections("tcp")
            except psutil.Error:
                continue
            owners |= {one.laddr.port: name for one in found if one.laddr}
        return owners

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: int, to: str) -> None:
        line = Line(writer.get_extra_info("peername")[1], to)
        self._lines.add(line)
        self._judge(line, self._owners() if self._cuts else {})
        try:
            await line.open.wait()
            there = await asyncio.open_connection(LOOPBACK, behind)
            await self._both_ways(line, (reader, writer), there)
        except OSError:
            pass
        finally:
            self._lines.discard(line)
            writer.close()

    async def _both_ways(self, line: Line, here: tuple[Any, Any], there: tuple[Any, Any]) -> None:
        pumps = [asyncio.create_task(_pump(line, a[0], b[1])) for a, b in ((here, there), (there, here))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            there[1].close()

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pump(line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(CHUNK):
            await line.open.wait()
            writer.write(chunk)
            await writer.drain()
    except OSError:
        return
