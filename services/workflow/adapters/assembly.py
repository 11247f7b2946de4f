"""The composition of an adapter: settings become a translator, its loops and its callback server."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from fastapi import FastAPI

from services.workflow.adapters import callbacks, ours
from services.workflow.adapters.bhxh.translator import Bhxh
from services.workflow.adapters.breaker import Breaker
from services.workflow.adapters.config import Settings
from services.workflow.adapters.dvcqg.choose import PortalSettings, make_portal
from services.workflow.adapters.ledger import Leased, Ledger
from services.workflow.adapters.line import Outside
from services.workflow.adapters.observer import Observer
from services.workflow.adapters.people import People
from services.workflow.adapters.port import Translator
from services.workflow.adapters.runtime import Runtime
from services.workflow.adapters.sample.translator import Sample
from services.workflow.adapters.tax.gateway import TaxGateway
from services.workflow.adapters.vbdlis.translator import Vbdlis
from shared.clock import Clock
from shared.tokens import TokenSource


def _outside(settings: Settings) -> Outside:
    own = settings.own
    return Outside(settings.system_url, own.callback_secret, own.call_seconds, Clock.parse(settings.common.clock).now)


def _dvcqg(settings: Settings) -> Translator:
    own = settings.own
    return make_portal(
        PortalSettings(
            dialect=own.dialect,
            url=f"{settings.system_url}/{own.dialect.lower()}",
            account=own.username,
            secret=own.password,
            unit_code=own.unit_code,
            dstcode=own.dstcode,
            procedures=Path(own.procedures),
            kept=Path(own.kept),
            timeout_seconds=own.call_seconds,
            signer=_outside(settings).sign,
        )
    )


TRANSLATORS: Mapping[str, Callable[[Settings], Translator]] = {
    "bhxh": lambda settings: Bhxh(_outside(settings)),
    "dvcqg": _dvcqg,
    "sample": lambda settings: Sample(_outside(settings)),
    "tax": lambda settings: TaxGateway(_outside(settings)),
    "vbdlis": lambda settings: Vbdlis(_outside(settings)),
}


def translator_of(settings: Settings) -> Translator:
    """Return the translator of a system."""
    return TRANSLATORS[settings.system](settings)


def make_app(settings: Settings) -> FastAPI:
    """Return the callback server of an adapter, with its two loops beside it while it runs."""
    client, translator = ours.client(), translator_of(settings)
    runtime, ledger = _wired(settings, client, translator)
    observer = _observer(settings, ledger, translator)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        looking, task = asyncio.create_task(observer.run()), asyncio.create_task(runtime.run())
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.wait([looking])
            task.cancel()
            await asyncio.wait([task])
            await client.aclose()

    app = FastAPI(title=f"Adapter {settings.system}", lifespan=lifespan, docs_url=None, redoc_url=None)
    ear = callbacks.Ear(translator, ledger, settings.own.callback_secret)
    app.include_router(callbacks.routes(ear, runtime.breaker))
    return app


def _wired(settings: Settings, client: httpx.AsyncClient, translator: Translator) -> tuple[Runtime, Ledger]:
    own, system = settings.own, settings.system
    tokens = TokenSource(client, settings.common.token_url, settings.client_id, settings.common.client_secret)
    services = ours.Ours(tokens, client)
    ledger = Ledger(settings.common.workflow_url, system, services)

    def people(leased: Leased) -> People:
        purpose = f"exchange:{system}:{leased.fact}"
        return People(settings.common.intake_url, services, leased, purpose)

    return Runtime(translator, ledger, people, own, _breaker(settings)), ledger


def _observer(settings: Settings, ledger: Ledger, translator: Translator) -> Observer:
    return Observer(translator, ledger, settings.own, _breaker(settings), Clock.parse(settings.common.clock).now)


def _breaker(settings: Settings) -> Breaker:
    own = settings.own
    return Breaker(own.failures_until_pause, own.first_pause_seconds, own.longest_pause_seconds)
