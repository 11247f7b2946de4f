"""The launcher's command line: ``python -m deploy.local run | engines | token | operate | reset | lock``."""

import argparse
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

from rich.console import Console

from deploy.local.engines import engines
from deploy.local.errors import LaunchError
from deploy.local.folder import Claim, data_folder
from deploy.local.jars import relock
from deploy.local.operate import operate
from deploy.local.report import Loud
from deploy.local.stack import Stack
from deploy.local.tokens import PERSON_SECONDS, ROLES, mint_token
from shared.settings import SERVICES


def main() -> int:
    """Run one command; 0 if it succeeded, 1 with one line on stderr if a person has to do something."""
    arguments = _parser().parse_args()
    return guarded(lambda: arguments.command(arguments))


def guarded(command: Callable[[], None]) -> int:
    """Run *command*, its errors said in one line, its end by a signal no error; return the exit code."""
    _let_signals_interrupt()
    try:
        command()
    except LaunchError as error:
        print(f"lien-thong: {error}", file=sys.stderr)
    except OSError as error:
        print(f"lien-thong: {error.strerror or error}: {error.filename or ''}".rstrip(": "), file=sys.stderr)
    except KeyboardInterrupt:
        print("lien-thong: stopped", file=sys.stderr)
        return 0
    else:
        return 0
    return 1


def serve(stack: Stack, report: Loud) -> None:
    """Run *stack* until a signal comes, then stop it whatever else comes."""
    began = time.monotonic()
    try:
        stack.start()
        rows = [(part.name, part.url, part.docs, part.seconds) for part in stack.parts]
        report.table(rows, time.monotonic() - began)
        report.say(f"logs are in {stack.data_dir / 'log'}; Ctrl-C stops everything, the data stay")
        stack.watch()
    finally:
        _ignore_signals()
        report.say("stopping")
        stack.stop()


def _run(_: argparse.Namespace) -> None:
    report = Loud()
    serve(Stack(data_folder(), clock=os.environ.get("LIENTHONG_CLOCK", ""), report=report), report)


def _engines(_: argparse.Namespace) -> None:
    with engines(data_folder(), Loud(Console(stderr=True, highlight=False))) as running:
        for name, value in running.environment.items():
            print(f"export {name}='{value}'", flush=True)
        signal.pause()


def _token(arguments: argparse.Namespace) -> None:
    print(
        mint_token(
            data_folder(),
            role=arguments.role,
            agency=arguments.agency,
            subject=arguments.subject,
            system=arguments.system,
            seconds=arguments.seconds,
        )
    )


def _operate(arguments: argparse.Namespace) -> None:
    operate(data_folder(), arguments.service, arguments.what)


def _reset(_: argparse.Namespace) -> None:
    folder = data_folder()
    if not folder.exists():
        return
    if not (folder / "launcher.lock").exists():
        msg = f"{folder} is not a data folder of the launcher and is not deleted"
        raise LaunchError(msg)
    claim = Claim(folder)
    claim.take()
    shutil.rmtree(folder)
    claim.give_back()
    print(f"deleted {folder}")


def _lock(_: argparse.Namespace) -> None:
    print(f"{relock()} jars locked")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, action, text in (
        ("run", _run, "start the whole system and keep it running"),
        ("engines", _engines, "start PostgreSQL and Kafka alone and print their addresses"),
        ("reset", _reset, "delete the data folder"),
        ("lock", _lock, "resolve jgo.toml anew into jgo.lock.toml"),
    ):
        commands.add_parser(name, help=text).set_defaults(command=action)
    token = commands.add_parser("token", help="print a bearer token of the local issuer")
    token.add_argument("--role", required=True, choices=ROLES)
    token.add_argument("--agency", help="the officer's agency code")
    token.add_argument("--subject", help="who bears it")
    token.add_argument("--system", help="the outside system's name")
    token.add_argument("--seconds", type=int, default=PERSON_SECONDS, help="how long it is valid")
    token.set_defaults(command=_token)
    operating = commands.add_parser("operate", help="run an operator's command of a service of the running system")
    operating.add_argument("service", choices=SERVICES)
    operating.add_argument("what", nargs=argparse.REMAINDER, help="such as: recover, replay, rebuild --all")
    operating.set_defaults(command=_operate)
    return parser


def _let_signals_interrupt() -> None:
    """Let SIGTERM and a closed terminal break in as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def _ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
