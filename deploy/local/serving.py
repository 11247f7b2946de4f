"""An app served over real HTTP in this event loop: for the tests and for what runs a town in one process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from fastapi import FastAPI

from deploy.local.ports import LOOPBACK


@contextlib.asynccontextmanager
async def serving(app: FastAPI, port: int, **options: Any) -> AsyncIterator[str]:
    """Serve *app* while the context lasts; *options* are uvicorn's. Yields its address."""
    given = {"log_level": "warning", "ws": "none", **options}
    server = uvicorn.Server(uvicorn.Config(app, host=LOOPBACK, port=port, **given))
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
        if task.done():
            task.result()
    try:
        yield f"http://{LOOPBACK}:{port}"
    finally:
        server.should_exit = True
        await task
