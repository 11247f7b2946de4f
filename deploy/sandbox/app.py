"""The sandbox as one app: every outside system's routes, one page that shows what arrived, and readiness."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi_offline import FastAPIOffline

from deploy.sandbox.bhxh import Bhxh
from deploy.sandbox.dvcqg import Dvcqg
from deploy.sandbox.mail import Mail
from deploy.sandbox.outside.office import Office
from deploy.sandbox.outside.people import people_routes
from deploy.sandbox.sample import Sample
from deploy.sandbox.system import Place, System
from deploy.sandbox.tax import Tax
from deploy.sandbox.vbdlis import Vbdlis
from deploy.sandbox.webhooks import Webhooks

SYSTEMS: list[Callable[[Place], System]] = [Mail, Webhooks, Vbdlis, Tax, Bhxh, Dvcqg, Sample]
PAGE = Path(__file__).with_name("page.html")


def make_app(place: Place) -> FastAPI:
    """Return the app; its systems begin to listen when it starts."""
    systems = [make(place) for make in SYSTEMS]

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for system in systems:
                await system.start()
                stack.push_async_callback(system.stop)
            yield

    app = FastAPIOffline(
        title="Liên Thông – sandbox (hệ thống bên ngoài giả lập)",
        description="Stand-ins of outside systems, with fault switches. Nothing here leaves this machine.",
        version="1.0.0",
        lifespan=lifespan,
        redoc_url=None,
    )
    _add_common(app, systems)
    for system in systems:
        app.include_router(system.router)
        if isinstance(system, Office):
            app.include_router(people_routes(system))
    return app


def _add_common(app: FastAPI, systems: list[System]) -> None:
    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def page() -> str:
        return PAGE.read_text(encoding="utf-8")

    @app.get("/readyz", tags=["ops"])
    async def ready() -> dict[str, Any]:
        """All doors are open."""
        return {"ready": True, "systems": [system.name for system in systems]}

    @app.get("/arrivals", tags=["ops"])
    async def arrivals() -> dict[str, Any]:
        """What arrived at each system, newest first, as the page shows it."""
        return {"systems": [_column(one) for one in systems]}


def _column(system: System) -> dict[str, Any]:
    page = {"page": f"sandbox/{system.name}"} if isinstance(system, Office) else {}
    return {"name": system.name, "title": system.title, "cards": system.cards(), **page}
