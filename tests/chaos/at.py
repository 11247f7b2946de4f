"""Runs a program of the product that kills itself at a named point, or whose broker is a bad one.

``python -m tests.chaos.at <point>[:n][,<distortion>…] <module> <arguments…>``: the n-th passing of the point sends
SIGKILL to this process. The product knows nothing of it.
"""

import functools
import inspect
import itertools
import os
import runpy
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from tests.chaos.haste import HURRIED, hurry
from tests.chaos.points import DISTORTED, DISTORTIONS, MIGRATION, POINTS, Point

PASSED = "chaos: passed "


def main(arguments: list[str]) -> None:
    """Wrap what is named, then become the program."""
    specs, module, *rest = arguments
    for spec in specs.split(","):
        name, _, nth = spec.partition(":")
        if name == HURRIED:
            hurry(module)
        elif name in DISTORTIONS:
            distort(name)
        else:
            arm(name, int(nth or 1))
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def arm(name: str, nth: int) -> None:
    """Let the *nth* passing of a point be the end of this process."""
    point = MIGRATION if name == "inside-migration" else POINTS[name]
    passings = itertools.count(1)

    def passing() -> None:
        if next(passings) == nth:
            os.write(2, f"{PASSED}{name}:{nth}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    owner, attribute = resolve(point.target)
    setattr(owner, attribute, wrapped(getattr(owner, attribute), point, passing))


def wrapped(function: Callable[..., Any], point: Point, passing: Callable[[], None]) -> Callable[..., Any]:
    """Return *function* with *passing* called before or after it."""

    @functools.wraps(function)
    async def later(*args: Any, **named: Any) -> Any:
        if point.when == "before":
            passing()
        result = await function(*args, **named)
        if point.when == "after":
            passing()
        return result

    @functools.wraps(function)
    def at_once(*args: Any, **named: Any) -> Any:
        if point.when == "before":
            passing()
        result = function(*args, **named)
        if point.when == "after":
            passing()
        return result

    return later if inspect.iscoroutinefunction(function) else at_once


def distort(name: str) -> None:
    """Let what the broker brings be lost, repeated or swapped."""
    owner, attribute = resolve(DISTORTED)
    decode = getattr(owner, attribute)
    setattr(owner, attribute, lambda *args: DISTORTIONS[name](decode(*args)))


def resolve(target: str) -> tuple[Any, str]:
    """Return the module or class that has the attribute *target* (``module:Class.attribute``), and its name."""
    module, _, path = target.partition(":")
    *outer, attribute = path.split(".")
    owner: Any = functools.reduce(getattr, outer, import_module(module))
    if not callable(getattr(owner, attribute, None)):
        msg = f"the product has no {target}: a chaos point has lost its place"
        raise LookupError(msg)  # noqa: TRY004 - what is missing is a name
    return owner, attribute


if __name__ == "__main__":
    main(sys.argv[1:])
