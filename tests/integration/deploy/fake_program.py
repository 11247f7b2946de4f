"""Stands in for a service: ready at once, or dies, or is deaf to SIGTERM."""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Answers every GET with the environment's clock."""

    def do_GET(self) -> None:
        """Answer 200."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ.get("LIENTHONG_CLOCK", "").encode())


if "die" in sys.argv:
    sys.stdout.write("no colour table\n")
    sys.exit(3)
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
name = next(argument for argument in sys.argv[1:] if argument != "deaf")
port = int(os.environ[f"LIENTHONG_{name.upper()}_PORT"])
ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
