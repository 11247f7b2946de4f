"""Runs the demo: ``python -m deploy.demo [--number N] [--speed S]`` on engines and services of its own."""

import argparse
import asyncio
import os
import shutil
import sys
from datetime import datetime, timedelta, timezone

import httpx
from rich.console import Console
from rich.progress import Progress

from deploy.demo.client import Client, fast_clock
from deploy.demo.narrator import Narrator, equal_heads, in_step
from deploy.demo.story import Birth, Story
from deploy.local.errors import LaunchError
from deploy.local.folder import data_folder
from deploy.local.programs import ADAPTER_PORTS
from deploy.local.report import Quiet
from deploy.local.stack import Stack
from shared.clock import Clock

START = datetime(2026, 11, 19, 8, 0, tzinfo=timezone(timedelta(hours=7)))
"""A Thursday: a weekend and eight working days lie ahead."""
SECONDS_TO_START = 15.0
"""The clock begins when the system is up, so that its first day is not lost in starting."""
SPEED = 26_000.0
"""Two weeks of the demo's calendar in 47 seconds."""


def stories(client: Client, number: int) -> list[Story]:
    """Return *number* land transfers that are in time, a birth, and a transfer whose land office takes too long."""
    punctual = [Story(client, n + 1, days_at_land_office=1.0 + n % 3 * 0.3) for n in range(number)]
    return [*punctual, Birth(client, number + 1), Story(client, number + 2, days_at_land_office=13)]


async def play(stack: Stack, clock: Clock, number: int, console: Console) -> bool:
    """Play all dossiers; return whether every one was returned and all services hold equal heads."""
    async with httpx.AsyncClient(trust_env=False, timeout=15) as http:
        client = Client(stack, clock, http)
        cast = stories(client, number)
        await client.begin()
        narrator = Narrator(client, console)
        plays = [asyncio.create_task(story.play()) for story in cast]
        if number == 1:
            await narrator.follow(cast[0])
            for title, story in zip(
                ("Liên thông khai sinh – BHYT", "Văn phòng ĐKĐĐ giữ quá lâu"), cast[1:], strict=True
            ):
                console.print(f"\n[bold]{title}[/]")
                await narrator.follow(story)
        else:
            await _show_progress(plays, console)
        await asyncio.gather(*plays)
        for story in (cast[0], cast[-1]):
            await narrator.sum_up(story)
        return await _judge(client, cast, console)


async def _show_progress(plays: list[asyncio.Task[None]], console: Console) -> None:
    with Progress(console=console) as progress:
        bar = progress.add_task("hồ sơ", total=len(plays))
        for finished in asyncio.as_completed(plays):
            await finished
            progress.advance(bar)


async def _judge(client: Client, cast: list[Story], console: Console) -> bool:
    for story in cast:
        if story.trouble:
            console.print(f"[red]hồ sơ {story.number}: {story.trouble}[/]", highlight=False)
    returned = sum(not story.trouble for story in cast)
    equal = sum([await equal_heads(client, story) for story in cast if story.id])
    told = sum([await in_step(client, story) for story in cast if story.code])
    console.print(
        f"\n{returned}/{len(cast)} dossiers returned; equal heads in all four services: {equal}/{len(cast)}; "
        f"in step with every outside system: {told}/{len(cast)}"
    )
    return returned == equal == told == len(cast)


def main() -> int:
    """Start a system of its own on a fast clock, play, stop it."""
    arguments = argparse.ArgumentParser(prog="deploy.demo")
    arguments.add_argument("--number", type=int, default=1)
    arguments.add_argument("--speed", type=float, default=SPEED)
    given = arguments.parse_args()
    console = Console()
    folder = data_folder() / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    text = fast_clock(START, given.speed, SECONDS_TO_START)
    os.environ |= {f"LIENTHONG_{system.upper()}_POLL_SECONDS": "0.1" for system in ADAPTER_PORTS}
    try:
        with Stack(folder, ports="free", clock=text, report=Quiet()) as stack:
            ok = asyncio.run(play(stack, Clock.parse(text), given.number, console))
    except LaunchError as error:
        sys.exit(f"lien-thong: {error}")
    except KeyboardInterrupt:
        return 130
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
