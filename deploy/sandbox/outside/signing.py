"""Signatures of calls and callbacks: HMAC-SHA256 over ``<unix seconds>.<body>`` in place of a code in the URL."""

import hashlib
import hmac
import time
from collections.abc import Mapping
from datetime import timedelta

TIME_HEADER = "x-sandbox-timestamp"
SIGNATURE_HEADER = "x-sandbox-signature"
TOLERANCE_SECONDS = 600
"""Ten minutes, on the real clock: a system whose clock is wrong by five must still be understood."""


def sign(secret: str, body: bytes, error: timedelta = timedelta()) -> dict[str, str]:
    """Return the headers of a signed request; *error* is that of the sender's clock."""
    timestamp = str(int(time.time() + error.total_seconds()))
    return {TIME_HEADER: timestamp, SIGNATURE_HEADER: f"sha256={_digest(secret, timestamp, body)}"}


def is_signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Say whether the headers sign this body with this secret, recently."""
    timestamp, given = headers.get(TIME_HEADER, ""), headers.get(SIGNATURE_HEADER, "")
    if not timestamp.isdecimal() or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    return hmac.compare_digest(f"sha256={_digest(secret, timestamp, body)}", given)


def _digest(secret: str, timestamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
