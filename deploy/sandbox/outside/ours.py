"""The one-stop's side of a dossier, for the page: read over HTTP with the credentials of the system's own adapter."""

import os
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from deploy.sandbox.outside.outgoing import trusted

SECONDS = 5.0


class NotRead(Exception):
    """The one-stop did not show the dossier; *status* is why, 502 if it did not answer as agreed."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


@dataclass(frozen=True)
class Ours:
    """Where the one-stop is, and who the system is there; nothing is read without a secret."""

    system: str

    @property
    def is_known(self) -> bool:
        """Say whether there is anything to ask, and with what."""
        return bool(_env("WORKFLOW_URL") and _env("INTAKE_URL") and _env("TOKEN_URL") and self._secret)

    @property
    def _secret(self) -> str:
        return _env(f"{self.system.upper()}_CLIENT_SECRET")

    async def read(self, code: str) -> dict[str, Any]:
        """Return what the exchange ledger says of a dossier, by its code or id; NotRead if it says nothing."""
        async with httpx.AsyncClient(verify=trusted(), trust_env=False, timeout=SECONDS) as client:
            try:
                return await self._read(client, code)
            except httpx.HTTPStatusError as error:
                raise NotRead(404 if error.response.status_code == 404 else 502) from error
            except (httpx.HTTPError, ValueError, LookupError) as error:
                raise NotRead(502) from error

    async def _read(self, client: httpx.AsyncClient, code: str) -> dict[str, Any]:
        asked = {"grant_type": "client_credentials", "client_id": self.system, "client_secret": self._secret}
        token = _said(await client.post(_env("TOKEN_URL"), data=asked))["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        dossier_id = code
        if not _is_id(code):
            found = _said(await client.get(f"{_env('INTAKE_URL')}/v1/dossiers", params={"code": code}))["items"]
            if not found:
                raise NotRead(404)
            dossier_id = found[0]["id"]
        url = f"{_env('WORKFLOW_URL')}/v1/systems/{self.system}/dossiers/{dossier_id}"
        return _shown(_said(await client.get(url)))


def _shown(exchange: dict[str, Any]) -> dict[str, Any]:
    picture, deliveries = exchange["picture"], exchange["deliveries"]
    return {
        "state": picture["status"],
        "due_at": picture["appointment_at"],
        "suspended_by": picture["suspended_by"],
        "n_told": sum(one["acknowledged_at"] is not None for one in deliveries),
        "not_taken": [
            {name: one[name] for name in ("no", "fact", "state", "n_tries", "reason_code", "message")}
            for one in deliveries
            if one["acknowledged_at"] is None
        ],
    }


def _said(answer: httpx.Response) -> Any:
    answer.raise_for_status()
    return answer.json()


def _is_id(code: str) -> bool:
    try:
        return str(UUID(code)) == code
    except ValueError:
        return False


def _env(name: str) -> str:
    return os.environ.get(f"LIENTHONG_{name}", "")
