"""The OpenID provider of local mode: discovery, keys and tokens for clients; no users, no pages."""

import base64
import binascii
import os
import secrets
import sys
from pathlib import Path
from urllib.parse import parse_qs, unquote_plus

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from deploy.local.tokens import ALGORITHM, CLIENT_SECONDS, client_grant, client_secrets, sign, signing_key
from shared.settings import Settings

BODY_LIMIT = 10_000


def make_app(data_dir: Path, issuer: str) -> FastAPI:
    """Return the provider whose keys and clients lie in *data_dir* and whose name is *issuer*."""
    app = FastAPI(title="Local issuer", docs_url=None, redoc_url=None, openapi_url=None)
    key, known = signing_key(data_dir), client_secrets(data_dir)

    @app.get("/readyz")
    async def readyz() -> dict[str, str]:
        return {"status": "ready"}

    @app.get("/.well-known/openid-configuration")
    async def discovery() -> dict[str, object]:
        return _discovery(issuer)

    @app.get("/jwks.json")
    async def jwks() -> dict[str, object]:
        return {"keys": [key.as_dict(private=False)]}

    @app.post("/token")
    async def token(request: Request) -> JSONResponse:
        form = parse_qs((await request.body())[:BODY_LIMIT].decode("latin-1"))
        if form.get("grant_type") != ["client_credentials"]:
            return _refused(400, "unsupported_grant_type")
        client, secret = _credentials(request, form)
        if not secrets.compare_digest(known.get(client, "").encode(), secret.encode()) or not secret:
            return _refused(401, "invalid_client")
        signed = sign(data_dir, client_grant(client), issuer, CLIENT_SECONDS)
        answer = {"access_token": signed, "token_type": "Bearer", "expires_in": CLIENT_SECONDS}
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    return app


def _discovery(issuer: str) -> dict[str, object]:
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/jwks.json",
        "token_endpoint": f"{issuer}/token",
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
    }


def _credentials(request: Request, form: dict[str, list[str]]) -> tuple[str, str]:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", [""])[0], form.get("client_secret", [""])[0]
    try:
        client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote_plus(client), unquote_plus(secret)


def _refused(status: int, error: str) -> JSONResponse:
    headers = {"Cache-Control": "no-store"} | ({"WWW-Authenticate": "Basic"} if status == 401 else {})
    return JSONResponse({"error": error}, status, headers)


def main() -> None:
    """Serve on ``LIENTHONG_ISSUER_PORT``; refused outside local mode."""
    settings = Settings()
    if settings.mode != "local":
        sys.exit("the local issuer is refused outside local mode (LIENTHONG_MODE=local)")
    app = make_app(Path(os.environ["LIENTHONG_DATA"]), settings.issuer)
    uvicorn.run(app, host=settings.host, port=int(os.environ["LIENTHONG_ISSUER_PORT"]), access_log=False)


if __name__ == "__main__":
    main()
