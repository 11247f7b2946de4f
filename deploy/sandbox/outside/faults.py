"""Fault switches, one mechanism for every outside system: what goes wrong, for which calls, how often."""

import random
import time
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from deploy.sandbox.outside.clock import Clock


class Kind(StrEnum):
    """What can go wrong."""

    DOWN = "down"
    DELAY = "delay"
    BAD_GATEWAY = "bad_gateway"
    HTML_ANSWER = "html_answer"
    EMPTY_ANSWER = "empty_answer"
    ERROR_INSIDE = "error_inside"
    SILENT_LOSS = "silent_loss"
    RESET_DATES = "reset_dates"
    TIMEOUT = "timeout_after_effect"
    DUPLICATE = "duplicate_callback"
    OUT_OF_ORDER = "callback_out_of_order"
    CLOCK = "clock"


@dataclass(frozen=True)
class Rule:
    """Where a kind applies, whether it counts calls, and its seconds: default, least, most."""

    calls: bool = False
    callbacks: bool = False
    counted: bool = True
    seconds: tuple[float | None, float, float] | None = None


RULES = {
    Kind.DOWN: Rule(calls=True, counted=False, seconds=(None, 0.1, 86_400)),
    Kind.DELAY: Rule(calls=True, callbacks=True, seconds=(1, 0, 3_600)),
    Kind.BAD_GATEWAY: Rule(calls=True),
    Kind.HTML_ANSWER: Rule(calls=True),
    Kind.EMPTY_ANSWER: Rule(calls=True),
    Kind.ERROR_INSIDE: Rule(calls=True),
    Kind.SILENT_LOSS: Rule(calls=True, callbacks=True),
    Kind.RESET_DATES: Rule(calls=True),
    Kind.TIMEOUT: Rule(calls=True, seconds=(30, 0, 3_600)),
    Kind.DUPLICATE: Rule(callbacks=True),
    Kind.OUT_OF_ORDER: Rule(callbacks=True, seconds=(5, 0, 3_600)),
    Kind.CLOCK: Rule(counted=False, seconds=(None, -86_400, 86_400)),
}
"""A kind of both directions reaches callbacks only when they are named."""


class Switch(BaseModel):
    """One fault: *next_calls* times, or with a *probability*; ``down`` for *seconds*, ``clock`` by *seconds*."""

    model_config = ConfigDict(extra="forbid")
    kind: Kind
    next_calls: int | None = Field(None, ge=1, le=1_000_000)
    probability: float | None = Field(None, gt=0, le=1)
    calls: list[str] = Field(default_factory=list)
    seconds: float | None = None
    answer: Literal["503", "close"] | None = None

    @model_validator(mode="after")
    def _check(self) -> "Switch":
        rule = RULES[self.kind]
        n_given = (self.next_calls is not None) + (self.probability is not None)
        if n_given != rule.counted:
            wanted = "give next_calls or probability, one of them" if rule.counted else "takes neither"
            msg = f"{self.kind}: {wanted}"
            raise ValueError(msg)
        if self.answer and self.kind is not Kind.DOWN:
            msg = f"{self.kind}: answer belongs to down"
            raise ValueError(msg)
        self.seconds = _seconds(self.kind, rule, self.seconds)
        return self


def _seconds(kind: Kind, rule: Rule, given: float | None) -> float | None:
    if rule.seconds is None:
        if given is None:
            return None
        msg = f"{kind}: takes no seconds"
        raise ValueError(msg)
    default, least, most = rule.seconds
    chosen = default if given is None else given
    if chosen is None or not least <= chosen <= most:
        msg = f"{kind}: seconds from {least:g} to {most:g} are needed"
        raise ValueError(msg)
    return chosen


class FaultPlan(BaseModel):
    """The switches that replace those of before; the same seed and the same calls fail in the same way."""

    model_config = ConfigDict(extra="forbid")
    seed: int | None = None
    switches: list[Switch] = Field(max_length=50)


@dataclass
class Armed:
    """A switch that is on."""

    switch: Switch
    chance: random.Random
    until: float = 0.0
    n_fired: int = 0

    def fires(self) -> bool:
        """Say whether it strikes this time, and count that."""
        if self.switch.kind is Kind.DOWN:
            struck = time.time() < self.until
        elif self.switch.next_calls is not None:
            struck = self.n_fired < self.switch.next_calls
        else:
            struck = self.chance.random() < (self.switch.probability or 0)
        self.n_fired += struck
        return struck


@dataclass
class Faults:
    """The switches of one system; kept in memory, a restart turns them off."""

    clock: Clock
    calls: tuple[str, ...]
    callbacks: tuple[str, ...]
    seed: int = 0
    armed: list[Armed] = field(default_factory=list)

    def arm(self, plan: FaultPlan) -> None:
        """Turn on *plan* and nothing else; ValueError if it names what this system does not have."""
        for switch in plan.switches:
            self._check_names(switch)
        self.seed = random.SystemRandom().randrange(2**31) if plan.seed is None else plan.seed
        self.armed = [self._arm(index, switch) for index, switch in enumerate(plan.switches)]
        errors = [one.switch.seconds or 0 for one in self.armed if one.switch.kind is Kind.CLOCK]
        self.clock.error = timedelta(seconds=sum(errors))

    def strikes(self, kind: Kind, name: str, *, is_callback: bool = False) -> Switch | None:
        """Return the switch of *kind* that strikes the call or callback *name* now, if one does."""
        for one in self.armed:
            if one.switch.kind is kind and self._reaches(one.switch, name, is_callback) and one.fires():
                return one.switch
        return None

    def is_down(self) -> bool:
        """Say whether the whole system is down: then it calls nobody either."""
        now = time.time()
        return any(one.until > now and not one.switch.calls for one in self.armed)

    def status(self) -> dict[str, Any]:
        """Return the seed, and for each switch how often it struck and what is left."""
        return {"seed": self.seed, "switches": [_status(one) for one in self.armed]}

    def _reaches(self, switch: Switch, name: str, is_callback: bool) -> bool:
        """Say whether *switch* is about *name*: a call and a callback may have the same (the tax gateway's)."""
        if switch.calls or switch.kind is Kind.DOWN:
            return not switch.calls or name in switch.calls
        return name in (self.callbacks if is_callback else self.calls) and is_callback != RULES[switch.kind].calls

    def _check_names(self, switch: Switch) -> None:
        rule = RULES[switch.kind]
        known = (self.calls if rule.calls else ()) + (self.callbacks if rule.callbacks else ())
        if not known and rule.counted:
            msg = f"{switch.kind}: this system sends no callbacks"
            raise ValueError(msg)
        unknown = sorted(set(switch.calls) - set(known))
        if unknown:
            msg = f"{switch.kind}: does not apply to {', '.join(unknown)}; known: {', '.join(known) or 'none'}"
            raise ValueError(msg)

    def _arm(self, index: int, switch: Switch) -> Armed:
        until = time.time() + (switch.seconds or 0) if switch.kind is Kind.DOWN else 0.0
        return Armed(switch, random.Random(f"{self.seed}:{index}:{switch.kind}"), until)  # noqa: S311 - not a secret


def _status(one: Armed) -> dict[str, Any]:
    shown: dict[str, Any] = one.switch.model_dump(mode="json", exclude_none=True) | {"n_fired": one.n_fired}
    if one.switch.next_calls is not None:
        shown["n_left"] = one.switch.next_calls - one.n_fired
    if one.switch.kind is Kind.DOWN:
        shown["seconds_left"] = round(max(0.0, one.until - time.time()), 1)
    return shown
