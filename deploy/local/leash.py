"""Become another program that ends when its launcher ends, and that is not root where it must not be.

A script of the standard library alone: ``python -I -S leash.py <launcher pid> <signal> <user|-> <program>``;
one process, same pid. Linux asks the kernel for the signal; elsewhere a small watcher polls the launcher.
"""

import ctypes
import os
import pwd
import signal
import sys
import time

PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE = 1


def _linux(*arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    padded = [ctypes.c_ulong(number) for number in (*arguments, 0, 0, 0, 0)[1:5]]
    if libc.prctl(arguments[0], *padded) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _keep_reach() -> None:
    """Keep the right to enter folders of root: a checkout or a test folder is often closed to others."""
    libc = ctypes.CDLL(None, use_errno=True)
    bit = 1 << CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    if libc.capset(header, sets) == 0:
        _linux(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE)


def drop_root(user: str) -> None:
    """Become *user* for good; on Linux still able to reach the files of root."""
    entry = pwd.getpwnam(user)
    on_linux = sys.platform == "linux"
    if on_linux:
        _linux(PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    if on_linux:
        _keep_reach()


def _watch(launcher: int, number: int) -> None:
    """Stay behind as a child that signals its parent, the program, once *launcher* is gone."""
    program = os.getpid()
    if os.fork() != 0:
        return
    while os.getppid() == program:
        try:
            os.kill(launcher, 0)
        except ProcessLookupError:
            os.kill(program, number)
            os._exit(0)
        except PermissionError:
            pass
        time.sleep(0.5)
    os._exit(0)


def hold(launcher: int, number: int) -> None:
    """Ask for *number* when *launcher* ends; exit at once if it already has."""
    if sys.platform == "linux":
        _linux(PR_SET_PDEATHSIG, number)
    else:
        _watch(launcher, number)
    if os.getppid() != launcher:
        sys.exit(1)


def main(arguments: list[str]) -> None:
    """Drop root, put the leash on (a change of user would take it off), become the program."""
    launcher, number, user, *program = arguments
    if user != "-":
        drop_root(user)
    hold(int(launcher), int(number))
    os.execvp(program[0], program)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    main(sys.argv[1:])
