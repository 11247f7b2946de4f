"""Who is calling: bearer JWTs verified against the issuer's keys; deny by default."""

import asyncio
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import httpx
import structlog
from fastapi import Request
from fastapi.security import HTTPBearer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from shared.errors import Forbidden, Text, Unauthenticated, Unavailable
from shared.settings import Settings

ALGORITHMS = ["ES256", "RS256"]
"""Pinned; what a token's header says about it is only compared with these."""
KEYS_MAX_AGE_SECONDS = 300
ASK_AGAIN_SECONDS = 5
"""An issuer that did not answer is not asked again sooner, however many tokens come."""
CACHE_SIZE = 4096
LEEWAY_SECONDS = 30


class Role(StrEnum):
    """What a caller may be."""

    APPLICANT = "applicant"
    PORTAL = "portal"
    OFFICER = "officer"
    SYSTEM = "system"
    OPS = "ops"
    LEADER = "leader"


@dataclass(frozen=True)
class Principal:
    """The caller as its token describes it."""

    subject: str
    roles: frozenset[Role]
    agency_code: str | None = None
    system: str | None = None

    def has(self, *roles: Role) -> bool:
        """Say whether the caller has at least one of *roles*."""
        return not self.roles.isdisjoint(roles)


class Verifier:
    """Verifies tokens of one issuer; keys are fetched and kept, verified tokens remembered until they expire."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._client = client
        self._keys: KeySet | None = None
        self._fetched_at = 0.0
        self._failed_at = float("-inf")
        self._fetching = asyncio.Lock()
        self._known: dict[str, tuple[float, Principal]] = {}
        self._claims = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def verify(self, token: str) -> Principal:
        """Return who *token* speaks for; Unauthenticated if it does not verify or has expired."""
        known = self._known.get(token)
        if known is not None and known[0] > time.time():
            return known[1]
        claims = await self._claims_of(token)
        principal = _principal(claims)
        if len(self._known) >= CACHE_SIZE:
            self._known.clear()
        self._known[token] = (float(claims["exp"]), principal)
        return principal

    async def _claims_of(self, token: str) -> dict[str, Any]:
        try:
            return self._decode(token, await self._current_keys())
        except (JoseError, ValueError):
            keys = await self._current_keys(refresh=True)
        try:
            return self._decode(token, keys)
        except (JoseError, ValueError) as error:
            raise Unauthenticated(
                Text("Mã truy cập không hợp lệ hoặc đã hết hạn", "The token is not valid or has expired")
            ) from error

    def _decode(self, token: str, keys: KeySet) -> dict[str, Any]:
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        self._claims.validate(claims)
        return claims

    async def _current_keys(self, *, refresh: bool = False) -> KeySet:
        async with self._fetching:
            age = time.monotonic() - self._fetched_at
            wanted = self._keys is None or age > KEYS_MAX_AGE_SECONDS or (refresh and age > ASK_AGAIN_SECONDS)
            if wanted and time.monotonic() - self._failed_at > ASK_AGAIN_SECONDS:
                try:
                    answer = await self._client.get(self._settings.jwks_url, timeout=5)
                    answer.raise_for_status()
                    self._keys = KeySet.import_key_set(answer.json())
                    self._fetched_at = time.monotonic()
                except (httpx.HTTPError, ValueError) as error:
                    self._failed_at = time.monotonic()
                    structlog.get_logger(__name__).warning("issuer_away", error=type(error).__name__)
            if self._keys is None:
                raise Unavailable("identity provider", retry_after=ASK_AGAIN_SECONDS)
            return self._keys


def _principal(claims: dict[str, Any]) -> Principal:
    roles = frozenset(Role(role) for role in claims.get("roles", []) if role in set(Role))
    return Principal(str(claims["sub"]), roles, claims.get("agency"), claims.get("system"))


class allow(HTTPBearer):  # noqa: N801 - reads as the function it is used as
    """The dependency that lets only *roles* in and answers who it is."""

    def __init__(self, *roles: Role) -> None:
        super().__init__(auto_error=False, description="JWT of the province's identity provider")
        self.scheme_name = "HTTPBearer"
        self.roles = roles

    async def __call__(self, request: Request) -> Principal:  # type: ignore[override]
        """Return the caller; Unauthenticated without a good token, Forbidden without one of the roles."""
        token = bearer_token(request)
        if token is None:
            raise Unauthenticated(Text("Thiếu mã truy cập", "A bearer token is required"))
        principal: Principal = await request.app.state.verifier.verify(token)
        if not principal.has(*self.roles):
            raise Forbidden(Text("Vai trò không được phép", "This role may not do this"))
        return principal


def bearer_token(request: Request) -> str | None:
    """Return the token of the Authorization header, None without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None
