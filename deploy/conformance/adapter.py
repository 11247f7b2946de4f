"""The adapter under test: one process, told everything by its environment, ended by a signal."""

import asyncio
import os
import signal
from asyncio.subprocess import Process, create_subprocess_exec
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from deploy.conformance.town import SYSTEM, Town
from deploy.local.ports import LOOPBACK, free_ports
from deploy.local.tokens import client_secrets

SECRET = "bi-mat-chung-de-thu"  # noqa: S105 - invented for the suite
LEASE_SECONDS, CALL_SECONDS = 3, 1.5


@dataclass
class Adapter:
    """Starts, kills and asks the process; its output and its folder are kept for the search."""

    town: Town
    command: str
    folder: Path
    port: int = field(default_factory=lambda: free_ports(1)[0])
    process: Process | None = None

    @property
    def output(self) -> Path:
        """Return where everything it printed lies."""
        return self.folder / "output.log"

    @property
    def is_alive(self) -> bool:
        """Say whether it runs."""
        return self.process is not None and self.process.returncode is None

    def environment(self) -> dict[str, str]:
        """Return what the adapter is told; docs/adapter-guide.md lists the same."""
        urls, home = self.town.urls, str(self.folder)
        return {
            **os.environ,
            "LIENTHONG_WORKFLOW_URL": f"{urls['front']}/workflow",
            "LIENTHONG_INTAKE_URL": f"{urls['front']}/intake",
            "LIENTHONG_TOKEN_URL": f"{urls['issuer']}/token",
            "LIENTHONG_CLIENT_ID": SYSTEM,
            "LIENTHONG_CLIENT_SECRET": client_secrets(self.town.folder)[SYSTEM],
            "LIENTHONG_SYSTEM": SYSTEM,
            "LIENTHONG_SYSTEM_URL": f"{urls['sandbox']}/{SYSTEM}",
            "LIENTHONG_CALLBACK_PORT": str(self.port),
            "LIENTHONG_CALLBACK_SECRET": SECRET,
            "LIENTHONG_CALL_SECONDS": str(CALL_SECONDS),
            "LIENTHONG_LEASE_SECONDS": str(LEASE_SECONDS),
            "LIENTHONG_POLL_SECONDS": "0.1",
            "HOME": home, "TMPDIR": home, "LIENTHONG_DATA": home,
        }  # fmt: skip

    async def start(self) -> None:
        """Start it, and wait until it answers at its callback port; RuntimeError if it does not."""
        with self.output.open("ab") as output:
            self.process = await create_subprocess_exec(
                "/bin/sh", "-c", f"exec {self.command}", env=self.environment(),
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        for _ in range(150):
            if not self.is_alive:
                break
            if await self._answers():
                return
            await asyncio.sleep(0.1)
        tail = self.output.read_text(errors="replace")[-800:]
        msg = f"the adapter did not answer GET /healthz at its callback port within 15 s:\n{tail}"
        raise RuntimeError(msg)

    async def _answers(self) -> bool:
        try:
            answer = await self.town.client.get(f"http://{LOOPBACK}:{self.port}/healthz", timeout=2)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    async def kill(self) -> None:
        """End it, and what it started, with SIGKILL."""
        await self.end(signal.SIGKILL, 5)

    async def end(self, number: int, seconds: float) -> bool:
        """Send a signal and say whether it ended within *seconds*; it has ended afterwards in any case."""
        if self.process is None or not self.is_alive:
            return True
        os.killpg(self.process.pid, number)
        try:
            await asyncio.wait_for(self.process.wait(), seconds)
        except TimeoutError:
            os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()
            return False
        return True

    async def introduce(self) -> None:
        """Tell the register where callbacks go, and with which secret both directions are signed."""
        url = f"http://{LOOPBACK}:{self.port}/callbacks"
        pauses = {"first_pause_seconds": 0.3, "longest_pause_seconds": 1}
        body = {"url": url, "secret": SECRET, "check_calls": True, **pauses}
        await self.town.register("PUT", "/callback", body)
