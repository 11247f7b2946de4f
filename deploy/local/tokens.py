"""Keys, clients and tokens of the local issuer, kept in the data folder."""

import json
import os
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from deploy.local.errors import LaunchError
from shared.settings import SERVICES, Settings

ALGORITHM = "ES256"
ROLES = ("applicant", "portal", "officer", "system", "ops", "leader")
ADAPTERS = ("vbdlis", "tax", "bhxh", "dvcqg")
CLIENTS = (*SERVICES, *ADAPTERS, "portal", "sample")
CLIENT_SECONDS = 900
PERSON_SECONDS = 8 * 3600


@dataclass(frozen=True)
class Grant:
    """What a token says about its bearer."""

    role: str
    subject: str
    agency: str | None = None
    system: str | None = None

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            msg = f"no such role: {self.role}; there are {', '.join(ROLES)}"
            raise LaunchError(msg)
        if self.role == "officer" and not self.agency:
            msg = "an officer's token needs an agency"
            raise LaunchError(msg)
        if self.role == "system" and not self.system:
            msg = "a system's token needs the system's name"
            raise LaunchError(msg)

    def claims(self) -> dict[str, Any]:
        """Return the claims beside those every token has."""
        named = {"agency": self.agency, "system": self.system}
        return {"sub": self.subject, "roles": [self.role]} | {k: v for k, v in named.items() if v}


def client_grant(client: str) -> Grant:
    """Return what *client* gets for its credentials."""
    if client == "portal":
        return Grant("portal", client)
    return Grant("system", client, system=client)


def signing_key(data_dir: Path) -> ECKey:
    """Return the issuer's key, made at the first call."""
    return ECKey.import_key(_kept(data_dir / "issuer" / "key.json", _new_key))


def _new_key() -> dict[str, Any]:
    key = ECKey.generate_key("P-256", {"alg": ALGORITHM, "use": "sig"}, auto_kid=True)
    return dict(key.as_dict(private=True))


def client_secrets(data_dir: Path) -> dict[str, str]:
    """Return the secret of every client, made at the first call."""
    path = data_dir / "issuer" / "clients.json"
    found: dict[str, str] = _kept(path, lambda: {client: secrets.token_urlsafe(24) for client in CLIENTS})
    return found


def sign(data_dir: Path, grant: Grant, issuer: str, seconds: int) -> str:
    """Return a token for *grant*, valid for *seconds* from now (real time)."""
    key, now = signing_key(data_dir), int(time.time())
    claims = {
        "iss": issuer,
        "aud": Settings().audience,
        "iat": now,
        "exp": now + seconds,
        "jti": str(uuid.uuid4()),
    }
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, claims | grant.claims(), key)


def mint_token(
    data_dir: Path,
    *,
    role: str,
    agency: str | None = None,
    subject: str | None = None,
    system: str | None = None,
    seconds: int = PERSON_SECONDS,
) -> str:
    """Return a token of the issuer that last ran on *data_dir*; LaunchError if the role lacks a claim."""
    grant = Grant(role, subject or system or f"{role}-{agency or 'local'}", agency, system)
    return sign(data_dir, grant, last_issuer(data_dir), seconds)


def last_issuer(data_dir: Path) -> str:
    """Return the issuer's address as the last start on *data_dir* wrote it down."""
    try:
        return (data_dir / "issuer" / "address").read_text().strip()
    except FileNotFoundError:
        return Settings().issuer


def _kept(path: Path, make: Callable[[], Any]) -> Any:
    """Return the JSON in *path*; if there is none, make it, readable by its owner alone."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(make(), file)
        try:
            path.hardlink_to(new)  # unlike a rename, never replaces what another process was first to make
        except FileExistsError:
            pass
        finally:
            new.unlink()
    return json.loads(path.read_text())
