"""Loopback ports: free ones for tests, and one clear line where a wanted one is taken."""

import errno
import secrets
import socket

from deploy.local.errors import LaunchError

LOOPBACK = "127.0.0.1"
# Below the ports that kernels give to outgoing connections: nothing takes one between choice and use.
_RANGE = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Say whether nothing listens on *port* of the loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
        return True


def listens(port: int) -> bool:
    """Say whether something accepts connections on *port*."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def free_ports(count: int) -> list[int]:
    """Return *count* different free ports."""
    chosen: list[int] = []
    while len(chosen) < count:
        port = secrets.choice(_RANGE)
        if port not in chosen and is_free(port):
            chosen.append(port)
    return chosen


def require_free(name: str, port: int, variable: str) -> None:
    """Raise LaunchError if *port*, wanted by *name*, is taken."""
    if not is_free(port):
        msg = f"port {port}, wanted by {name}, is in use: free it, or choose another with {variable}=<port>"
        raise LaunchError(msg)
