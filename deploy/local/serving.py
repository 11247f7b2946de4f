"""An app served over real HTTP in this event loop: for the tests and for what runs a town in one process."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from fastapi import FastAPI

from deploy.local.ports import LOOPBACK

TICK_SECONDS = 0.005


class _Server(uvicorn.Server):
    """Uvicorn that ends as soon as it may: its own loop looks every 0.1 s, three times one after the other."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ended = asyncio.Event()

    async def main_loop(self) -> None:
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.ended.wait(), 0.1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listening in sockets or []:
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        while self.server_state.connections or self.server_state.tasks:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(TICK_SECONDS)
        for server in self.servers:
            await server.wait_closed()
        await self.lifespan.shutdown()

    def end(self) -> None:
        self.should_exit = True
        self.ended.set()


@contextlib.asynccontextmanager
async def serving(app: FastAPI, port: int, **options: Any) -> AsyncIterator[str]:
    """Serve *app* while the context lasts; *options* are uvicorn's. Yields its address."""
    given = {"log_level": "warning", "ws": "none", **options}
    server = _Server(uvicorn.Config(app, host=LOOPBACK, port=port, **given))
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(TICK_SECONDS)
        if task.done():
            task.result()
    try:
        yield f"http://{LOOPBACK}:{port}"
    finally:
        server.end()
        await task
