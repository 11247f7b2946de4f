"""The composition of an adapter: settings become a translator, its loop and its callback server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

import httpx
from fastapi import FastAPI

from services.workflow.adapters import callbacks, ours
from services.workflow.adapters.breaker import Breaker
from services.workflow.adapters.config import Settings
from services.workflow.adapters.ledger import Leased, Ledger
from services.workflow.adapters.line import Outside
from services.workflow.adapters.people import People
from services.workflow.adapters.port import Translator
from services.workflow.adapters.runtime import Runtime
from services.workflow.adapters.tokens import TokenSource
from shared.clock import Clock

TRANSLATORS = {"bhxh": "Bhxh", "vbdlis": "Vbdlis", "tax": "Tax", "dvcqg": "Dvcqg"}
"""System → the class in the module of its name; made with an ``Outside``."""


def translator_of(settings: Settings) -> Translator:
    """Return the translator of a system; ModuleNotFoundError if it is not built."""
    module = import_module(f"services.workflow.adapters.{settings.system}")
    outside = Outside(
        settings.system_url,
        settings.own.callback_secret,
        settings.own.call_seconds,
        Clock.parse(settings.common.clock).now,
    )
    made: Translator = getattr(module, TRANSLATORS[settings.system])(outside)
    return made


def make_app(settings: Settings) -> FastAPI:
    """Return the callback server of an adapter, with its loop beside it while it runs."""
    client, translator = ours.client(), translator_of(settings)
    runtime, ledger = _wired(settings, client, translator)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(runtime.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
            await client.aclose()

    app = FastAPI(title=f"Adapter {settings.system}", lifespan=lifespan, docs_url=None, redoc_url=None)
    ear = callbacks.Ear(translator, ledger, settings.own.callback_secret)
    app.include_router(callbacks.routes(ear, runtime.breaker))
    return app


def _wired(settings: Settings, client: httpx.AsyncClient, translator: Translator) -> tuple[Runtime, Ledger]:
    own, system = settings.own, settings.system
    services = ours.Ours(TokenSource(settings, client), client)
    ledger = Ledger(settings.common.workflow_url, system, services)

    def people(leased: Leased) -> People:
        purpose = f"exchange:{system}:{leased.fact}"
        return People(settings.common.intake_url, services, leased, purpose)

    breaker = Breaker(own.failures_until_pause, own.first_pause_seconds, own.longest_pause_seconds)
    return Runtime(translator, ledger, people, own, breaker), ledger
