"""Idempotency keys: the first answer is stored in the transaction of its effect and given again, byte for byte."""

import hashlib

from fastapi import Request, Response
from sqlalchemy import text

from shared.auth import Principal
from shared.errors import KeyInUse, KeyReused, Malformed, Text
from shared.session import Session
from shared.tables import IdempotencyKey

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT_HEADERS = ("content-type", "etag", "location")
LONGEST_KEY = 255

# The lock and the look in one round trip. If the first holder commits between this statement's snapshot and its
# lock, the row is missed here and the primary key refuses the second answer: the caller then starts over.
_CLAIM = text("""
    SELECT pg_try_advisory_xact_lock(:lock) AS locked, k.request_hash, k.status, k.headers, k.body
    FROM (SELECT) AS one LEFT JOIN idempotency_key k ON k.key_hash = :key_hash
""")


class Claim:
    """One request's use of its key; who has lost a role gets no answer that was given to it."""

    def __init__(self, request: Request, body: bytes, by: Principal) -> None:
        key = request.headers[HEADER]
        if not 0 < len(key) <= LONGEST_KEY:
            raise Malformed(Text("Idempotency-Key dài 1–255 ký tự", "Idempotency-Key has 1–255 characters"))
        who = (by.subject, *sorted(by.roles), by.agency_code or "", by.system or "")
        scope = "\0".join((*who, request.method, request.url.path, key))
        self.key_hash = hashlib.sha256(scope.encode()).digest()
        self.request_hash = hashlib.sha256(request.url.query.encode() + b"\0" + body).digest()

    async def replay(self, session: Session) -> Response | None:
        """Return the first answer if there was one; KeyReused for another body, KeyInUse while it still runs."""
        lock = int.from_bytes(self.key_hash[:8], "big", signed=True)
        row = (await session.execute(_CLAIM, {"lock": lock, "key_hash": self.key_hash})).one()
        if row.status is None:
            if not row.locked:
                raise KeyInUse(retry_after=1)
            return None
        if row.request_hash != self.request_hash:
            raise KeyReused
        return Response(row.body, row.status, {**row.headers, REPLAYED: "true"})

    def remember(self, session: Session, response: Response) -> None:
        """Store the answer beside its effect."""
        headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        session.insert(
            IdempotencyKey,
            {
                "key_hash": self.key_hash,
                "request_hash": self.request_hash,
                "status": response.status_code,
                "headers": headers,
                "body": bytes(response.body),
            },
        )
