"""An adapter as the launcher runs it: one process, settings from the environment, an end on request, or without."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator

from tests.integration.adapters.town import SECRET, Town
from tests.support import eventually, free_port


@contextlib.asynccontextmanager
async def process(
    town: Town, port: int, end: signal.Signals = signal.SIGTERM
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run VBDLIS's adapter as a process of its own, and end it."""
    issuer = town.world.issuer
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.workflow.adapters", "vbdlis", stderr=asyncio.subprocess.DEVNULL, env={
            **os.environ, "LIENTHONG_MODE": "local", "LIENTHONG_WORKFLOW_URL": town.front_url,
            "LIENTHONG_INTAKE_URL": town.world.settings["intake"].url("intake"),
            "LIENTHONG_TOKEN_URL": f"{issuer.url}/token", "LIENTHONG_CLIENT_SECRET": issuer.secret("vbdlis"),
            "LIENTHONG_SANDBOX_URL": str(town.client.base_url), "LIENTHONG_VBDLIS_PORT": str(port),
            "LIENTHONG_VBDLIS_CALLBACK_SECRET": SECRET, "LIENTHONG_VBDLIS_POLL_SECONDS": "0.1",
            "LIENTHONG_VBDLIS_CALL_SECONDS": "0.5", "LIENTHONG_VBDLIS_LONGEST_PAUSE_SECONDS": "1",
        }
    )  # fmt: skip
    try:
        yield running
    finally:
        running.send_signal(end)
        ended = await asyncio.wait_for(running.wait(), 15)
    assert ended in {0, -end}


async def test_a_process_delivers_and_ends_when_it_is_told_to(town: Town) -> None:
    dossier_id, code = await town.accept()
    port = free_port()
    async with process(town, port):
        await town.settled("vbdlis", dossier_id)
        await town.vbdlis.put("callback", {"url": f"http://127.0.0.1:{port}/callbacks", "secret": SECRET})
        assert (await town.vbdlis.act("next-step", code)).status_code == 200

        async def heard() -> bool:
            return len(await town.heard("vbdlis", code)) == 2

        await eventually(heard)


async def test_every_dossier_is_there_once_however_often_the_adapter_is_killed(town: Town) -> None:
    dossiers = [await town.accept() for _ in range(12)]
    await town.vbdlis.faults(
        {"kind": "bad_gateway", "probability": 0.2},
        {"kind": "error_inside", "probability": 0.2},
        {"kind": "delay", "probability": 0.3, "seconds": 0.3},
        {"kind": "timeout_after_effect", "probability": 0.3, "seconds": 1},
    )

    async def tried() -> int:
        return len([one for one in await town.vbdlis.log(limit=200) if one["direction"] == "call"])

    async def is_all_done() -> bool:
        lanes = [await town.lane("vbdlis", dossier_id) for dossier_id, _ in dossiers]
        return all(one[0]["state"] == "done" for one in lanes)

    for _ in range(3):
        before = await tried()
        async with process(town, free_port(), signal.SIGKILL):

            async def further(before: int = before) -> bool:
                await town.time_passes()
                return await tried() > before + 2 or await is_all_done()

            await eventually(further)

    async with process(town, free_port()):

        async def done() -> bool:
            await town.time_passes()
            return await is_all_done()

        await eventually(done, seconds=60)
    assert sorted(await town.vbdlis.codes()) == sorted(code for _, code in dossiers)
    effects = [one["dossier"] for one in await town.vbdlis.log(limit=1000) if one["took_effect"]]
    assert sorted(effects) == sorted(code for _, code in dossiers)


async def test_a_system_that_nobody_knows_is_a_clear_word_at_the_start() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.workflow.adapters", "khac", stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    assert said.decode().startswith("usage: python -m services.workflow.adapters")
