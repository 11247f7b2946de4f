"""Faults of outside systems: the sandbox's switches, alone and mixed."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.chaos.faults.fault import Place
from tests.chaos.points import ADAPTERS

SWITCHES: dict[str, dict[str, Any]] = {
    "down": {"answer": "503", "seconds": 5},
    "delay": {"probability": 0.5, "seconds": 1},
    "late_effect": {"kind": "delay", "probability": 0.2, "seconds": 5},
    "bad_gateway": {"probability": 0.4},
    "error_inside": {"probability": 0.4},
    "timeout_after_effect": {"probability": 0.3, "seconds": 6},
    "duplicate_callback": {"probability": 0.5},
    "callback_out_of_order": {"probability": 0.5, "seconds": 2},
    "clock": {"seconds": 300},
    "silent_loss": {"probability": 0.3},
    "reset_dates": {"probability": 0.5},
    "lost_callback": {"kind": "silent_loss", "probability": 0.5},
}
"""By name; ``late_effect`` is a delay beyond the adapter's time-out."""
RESULTS = {"tax": ["TCT_GPC"], "bhxh": ["TienDo", "KetThuc"]}
"""Callbacks that are lost for ever: their sender believes that they were heard, only a look brings what they said."""
ONLY: dict[str, tuple[str, ...]] = {
    "silent_loss": ("tax", "bhxh", "dvcqg"),
    "reset_dates": ("dvcqg",),
    "duplicate_callback": ("vbdlis", "tax", "bhxh"),
    "callback_out_of_order": ("vbdlis", "tax", "bhxh"),
    "lost_callback": tuple(RESULTS),
}
"""VBDLIS cannot be read: a loss there is noticed by nobody of ours. Only at the portal are the dates ours to compare.
The portal sends no callbacks."""
LEFT_OUT = {
    "silent_loss, a clerk's change or deletion at vbdlis": "it cannot be read: answers and callbacks are all there is",
    "reset_dates at vbdlis, tax and bhxh": "their dates are their own, a look does not compare them",
    "a callback of vbdlis that is lost for ever": "whoever sends it says it was heard: nobody repeats it",
}
"""What the suite does not strike with, and why."""


@dataclass
class Switched:
    """Fault switches of one system, or of several at once."""

    kinds: tuple[str, ...]
    _struck: list[str] = field(default_factory=list)

    async def inject(self, place: Place) -> str:
        """Turn them on."""
        async with httpx.AsyncClient(base_url=place.town.url("sandbox"), trust_env=False, timeout=10) as http:
            for system in place.rng.sample(ADAPTERS, len(ADAPTERS)):
                here = [kind for kind in self.kinds if system in ONLY.get(kind, ADAPTERS)]
                if not here or (len(self._struck) and place.rng.random() < 0.4):
                    continue
                body = {"seed": place.rng.randrange(10**6), "switches": [_switch(kind, place, system) for kind in here]}
                answer = await http.put(f"/sandbox/{system}/faults", json=body)
                answer.raise_for_status()
                self._struck.append(system)
        await place.hold(5, 8)
        return ", ".join(self._struck)

    async def heal(self, place: Place) -> None:
        """Turn them off."""
        async with httpx.AsyncClient(base_url=place.town.url("sandbox"), trust_env=False, timeout=10) as http:
            for system in self._struck:
                (await http.delete(f"/sandbox/{system}/faults")).raise_for_status()


def _switch(kind: str, place: Place, system: str) -> dict[str, Any]:
    given = {"kind": kind} | SWITCHES[kind]
    if kind == "lost_callback":
        given["calls"] = RESULTS[system]
    if kind == "clock":
        given["seconds"] = place.rng.choice((-300, 300))
    if kind == "down":
        given["answer"] = place.rng.choice(("503", "close"))
    return given


@dataclass
class PostRefused:
    """The mail server and the subscriber's endpoint say no for a while."""

    async def inject(self, place: Place) -> str:
        """Let the next few be refused."""
        async with httpx.AsyncClient(base_url=place.town.url("sandbox"), trust_env=False, timeout=10) as http:
            (await http.put("/messages/faults", json={"code": 451, "n_calls": 4})).raise_for_status()
            (await http.put("/webhooks/chaos/faults", json={"status": 503, "n_calls": 4})).raise_for_status()
        await place.hold(2, 4)
        return "mail, webhooks"

    async def heal(self, place: Place) -> None:
        """Say yes again."""
        async with httpx.AsyncClient(base_url=place.town.url("sandbox"), trust_env=False, timeout=10) as http:
            (await http.put("/messages/faults", json={"n_calls": 0})).raise_for_status()
            (await http.put("/webhooks/chaos/faults", json={"n_calls": 0})).raise_for_status()
