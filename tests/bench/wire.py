"""A load generator's HTTP client: one keep-alive connection, no more work per call than the wire needs."""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

Answer = tuple[int, dict[str, str], Any]


class Wire:
    """One connection to one service; opened again when it breaks."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, method: str, path: str, token: str, body: Any = None, **headers: str) -> Answer:
        """Return status, headers (lower case) and the parsed body."""
        content = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", f"Authorization: Bearer {token}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}", "", ""]
        request = "\r\n".join(lines).encode() + content
        try:
            return await self._exchange(request)
        except (asyncio.IncompleteReadError, ConnectionError):  # an idle connection was closed
            await self.close()
            return await self._exchange(request)

    async def _exchange(self, request: bytes) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self.host, self.port)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        content = await reader.readexactly(int(headers.get("content-length", "0")))
        return int(head[0].split(" ")[1]), headers, json.loads(content) if content else None

    async def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
