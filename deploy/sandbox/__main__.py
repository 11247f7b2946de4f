"""Runs the sandbox: ``python -m deploy.sandbox``, on loopback unless LIENTHONG_SANDBOX_HOST says otherwise."""

import os
import socket
import sys
from pathlib import Path

import uvicorn

from deploy.sandbox.app import make_app
from deploy.sandbox.system import Place

LOOPBACK = "127.0.0.1"


def main() -> None:
    """Serve until interrupted."""
    port, smtp_port = _port("LIENTHONG_SANDBOX_PORT", 8010), _port("LIENTHONG_SANDBOX_SMTP_PORT", 8025)
    data, host = os.environ.get("LIENTHONG_DATA", ""), os.environ.get("LIENTHONG_SANDBOX_HOST", LOOPBACK)
    clock = os.environ.get("LIENTHONG_CLOCK", "")
    place = Place(Path(data) / "sandbox" if data else None, smtp_port, host, clock)
    uvicorn.run(
        make_app(place),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )


def _port(variable: str, default: int) -> int:
    text = os.environ.get(variable) or str(default)
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        sys.exit(f"sandbox: {variable}={text} is not a port")
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((LOOPBACK, int(text)))
        except OSError:
            sys.exit(f"sandbox: port {text} is in use; set {variable} to another one")
    return int(text)


if __name__ == "__main__":
    main()
