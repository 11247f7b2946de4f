"""Calls of the outside systems to others: no proxy from the environment, the certificates read once a process."""

import ssl
from functools import cache

import httpx


@cache
def trusted() -> ssl.SSLContext:
    """Return the certificates that are trusted: five systems would read them five times."""
    return httpx.create_ssl_context(trust_env=False)
