"""Signatures of calls and callbacks: HMAC-SHA256 over ``<unix seconds>.<body>``, our answer to a code in the URL."""

import hashlib
import hmac
import time
from collections.abc import Mapping

TIME_HEADER = "x-sandbox-timestamp"
SIGNATURE_HEADER = "x-sandbox-signature"
TOLERANCE_SECONDS = 600
"""Either way, on the real clock: a partner's clock may be wrong by five minutes."""


def sign(secret: str, body: bytes) -> dict[str, str]:
    """Return the headers of a signed call; none without a secret."""
    if not secret:
        return {}
    timestamp = str(int(time.time()))
    return {TIME_HEADER: timestamp, SIGNATURE_HEADER: _signature(secret, timestamp, body)}


def is_signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Say whether the headers sign this body with this secret, lately; never without a secret."""
    timestamp, given = headers.get(TIME_HEADER, ""), headers.get(SIGNATURE_HEADER, "")
    if not secret or not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        return False
    is_recent = abs(time.time() - int(timestamp)) <= TOLERANCE_SECONDS
    wanted = _signature(secret, timestamp, body)
    return hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace")) and is_recent


def _signature(secret: str, timestamp: str, body: bytes) -> str:
    return f"sha256={hmac.new(secret.encode(), f'{timestamp}.'.encode() + body, hashlib.sha256).hexdigest()}"
