"""Introduces the sandbox's systems and our adapters: where callbacks go, and the secret that signs both directions.

``python -m deploy.local.introduce <system>…`` does it for servers of your own, by what the environment says.
"""

import os
import sys
from collections.abc import Mapping

import httpx

from deploy.local.errors import LaunchError


def introduce(sandbox_url: str, adapters: Mapping[str, str], secrets: Mapping[str, str]) -> None:
    """Tell each system of the sandbox the address of its adapter; *adapters* by system, *secrets* by client."""
    with httpx.Client(base_url=sandbox_url, trust_env=False, timeout=10) as client:
        for system, url in adapters.items():
            given = {"url": f"{url}/callbacks", "secret": secrets[system], "check_calls": True}
            answer = client.put(f"/sandbox/{system}/callback", json=given)
            if answer.status_code != 200:
                msg = f"the sandbox does not take the address of the adapter {system}: {answer.status_code}"
                raise LaunchError(msg)


def _given(system: str, name: str) -> str:
    return os.environ[f"LIENTHONG_{system.upper()}_{name}"]


def main(systems: list[str]) -> None:
    """Introduce *systems*; their addresses, secrets and the sandbox's address are in the environment."""
    adapters = {system: _given(system, "URL") for system in systems}
    secrets = {system: _given(system, "CALLBACK_SECRET") for system in systems}
    introduce(os.environ["LIENTHONG_SANDBOX_URL"], adapters, secrets)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (KeyError, httpx.HTTPError, LaunchError) as error:
        sys.exit(f"lien-thong: introduce: {error}")
