"""An adapter as the launcher runs it: one process, settings from the environment, an end on request."""

import asyncio
import os
import signal
import sys

from tests.integration.adapters.town import SECRET, Town
from tests.support import eventually, free_port


async def test_a_process_delivers_and_ends_when_it_is_told_to(town: Town) -> None:
    dossier_id, code = await town.accept()
    issuer, port = town.world.issuer, free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.workflow.adapters", "vbdlis", env={
            **os.environ, "LIENTHONG_MODE": "local", "LIENTHONG_WORKFLOW_URL": town.front_url,
            "LIENTHONG_INTAKE_URL": town.world.settings["intake"].url("intake"),
            "LIENTHONG_TOKEN_URL": f"{issuer.url}/token", "LIENTHONG_CLIENT_SECRET": issuer.secret("vbdlis"),
            "LIENTHONG_SANDBOX_URL": str(town.client.base_url), "LIENTHONG_VBDLIS_PORT": str(port),
            "LIENTHONG_VBDLIS_CALLBACK_SECRET": SECRET, "LIENTHONG_VBDLIS_POLL_SECONDS": "0.1",
        }
    )  # fmt: skip
    try:
        await town.settled("vbdlis", dossier_id)
        await town.vbdlis.put("callback", {"url": f"http://127.0.0.1:{port}/callbacks", "secret": SECRET})
        assert (await town.vbdlis.act("next-step", code)).status_code == 200

        async def heard() -> bool:
            return len(await town.heard("vbdlis", code)) == 2

        await eventually(heard)
    finally:
        process.send_signal(signal.SIGTERM)
        ended = await asyncio.wait_for(process.wait(), 15)
    assert ended in {0, -signal.SIGTERM}


async def test_a_system_that_nobody_knows_is_a_clear_word_at_the_start() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.workflow.adapters", "khac", stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    assert said.decode().startswith("usage: python -m services.workflow.adapters")
