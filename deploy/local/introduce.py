"""Introduces the sandbox's systems and our adapters: where callbacks go, and the secret that signs both directions."""

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
