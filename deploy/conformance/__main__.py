"""Judges an adapter: ``python -m deploy.conformance --adapter "node adapter.mjs"``; exit status 1 if a check fails."""

import argparse
import asyncio
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from deploy.conformance.suite import CHECKS, Finding, examine
from deploy.conformance.town import town
from deploy.local.engines import end
from deploy.local.errors import LaunchError
from deploy.local.postgres import Postgres
from deploy.local.process import Nest


def main(arguments: list[str]) -> int:
    """Start what is needed, run the checks, print what was seen."""
    parser = argparse.ArgumentParser(prog="python -m deploy.conformance", description=__doc__)
    parser.add_argument("--adapter", required=True, help="the command that starts the adapter")
    parser.add_argument("--only", nargs="+", metavar="CHECK", choices=list(CHECKS), help=", ".join(CHECKS))
    given = parser.parse_args(arguments)
    if not given.adapter.strip():
        parser.error("say which command starts the adapter: make adapter-conformance ADAPTER='node my-adapter.mjs'")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    try:
        with tempfile.TemporaryDirectory(prefix="conformance-") as folder, _postgres(Path(folder)) as url:
            findings = asyncio.run(_judged(url, Path(folder), given.adapter, given.only or list(CHECKS)))
    except (LaunchError, RuntimeError) as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 1
    n_failed = sum(not one.passed for one in findings)
    print(f"\n{len(findings) - n_failed} passed, {n_failed} failed")
    return 1 if n_failed else 0


async def _judged(url: str, folder: Path, command: str, names: list[str]) -> list[Finding]:
    own = folder / "adapter"
    own.mkdir()
    print(f"starting intake, workflow, issuer and the sample register; the adapter: {command}", flush=True)
    async with town(url, folder / "town") as built:
        return await examine(built, command, own, names, _tell)


def _tell(one: Finding) -> None:
    print(f"{'passed' if one.passed else 'FAILED'}  {one.name:<10} {one.sentence}", flush=True)
    print(f"        {one.seconds:4.1f} s    {one.seen}", flush=True)


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    """Run PostgreSQL on *folder*, unless LIENTHONG_POSTGRES_URL names one."""
    if given := os.environ.get("LIENTHONG_POSTGRES_URL"):
        yield given
        return
    nest = Nest(folder / "log")
    folder.chmod(0o755)
    server = Postgres(folder / "postgres", nest)
    try:
        server.launch()
        server.wait_ready()
        yield server.url
    finally:
        end(nest, [([server], 2.0)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
