"""Checks of what the system says: a message once, and a yes only for what was taken."""

import uuid
from datetime import UTC, datetime
from typing import Any

from deploy.conformance.bench import Bench, Json, require
from deploy.conformance.town import Dossier
from deploy.local.ports import LOOPBACK


async def said(bench: Bench) -> str:
    """What the system says becomes a message with the system's own id, and is applied."""
    dossier = await bench.town.accept()
    await bench.told(dossier)
    message_id = await _finish(bench, dossier)
    message = (await _messages(bench, dossier))[0]
    require(
        it_is=message["message_id"] == message_id,
        seen=f"the message came as {message['message_id']}, the system calls it {message_id}",
    )
    require(it_is=message["status"] == "applied", seen=f"the message is {message['status']}: {message['detail']}")
    return f"{message_id} {message['kind']} applied"


async def repeated(bench: Bench) -> str:
    """A callback that comes twice is answered yes twice and applied once."""
    await bench.town.faults({"kind": "duplicate_callback", "next_calls": 1})
    dossier = await bench.town.accept()
    await bench.told(dossier)
    await _finish(bench, dossier)

    async def twice() -> list[Json] | None:
        heard = await bench.town.log(dossier.code, "callback")
        return heard if len(heard) > 1 else None

    heard = await bench.until(twice, "the callback was never accepted, so it was not repeated")
    require(it_is=all(one["took_effect"] for one in heard), seen="the repeat was not answered with a yes")
    messages = await bench.town.messages(dossier.code)
    require(it_is=len(messages) == 1, seen=f"{len(messages)} messages came of one")
    return "two yes, one message"


async def parked(bench: Bench) -> str:
    """What we park is answered with a no, so that the system says it again."""
    code = f"H99.01-{uuid.uuid4().hex[:12]}"
    body = {"id": f"SM-{uuid.uuid4().hex[:8]}", "code": code, "at": _now(), "result": "done"}
    answer = await _answer(bench, "finished", code, body)
    require(it_is=not answer["took_effect"], seen=f"the system heard yes: {answer['answer']}")
    statuses = [one["status"] for one in await bench.town.messages(code)]
    require(it_is=statuses == ["parked"], seen=f"our API has {statuses or 'no message'} of it")
    return f"parked here, the system heard {answer['answer']}"


async def unreadable(bench: Bench) -> str:
    """A callback that cannot be understood is answered with a no."""
    for event, body in (("finished", {}), ("nobody_knows", {"id": "SM-X", "at": _now()})):
        code = f"H99.01-{uuid.uuid4().hex[:12]}"  # of its own: what is not accepted holds up what comes behind it
        answer = await _answer(bench, event, code, {**body, "code": code})
        require(it_is=not answer["took_effect"], seen=f"{event} {body}: the system heard yes")
    require(it_is=bench.adapter.is_alive, seen="the adapter ended")
    return "without an id, and of an unknown kind: no"


async def signature(bench: Bench) -> str:
    """A callback with a wrong signature, or none, is refused with a 4xx and not passed on."""
    dossier = await bench.town.accept()
    await bench.told(dossier)
    body = {"id": "SM-FORGED", "code": dossier.code, "at": _now(), "result": "done"}
    stamp = str(int(datetime.now(UTC).timestamp()))
    forged = {"x-sandbox-timestamp": stamp, "x-sandbox-signature": f"sha256={'0' * 64}"}
    url = f"http://{LOOPBACK}:{bench.adapter.port}/callbacks/finished"
    for headers in ({}, forged):
        answer = await bench.town.client.post(url, json=body, headers=headers)
        require(it_is=400 <= answer.status_code < 500, seen=f"answered {answer.status_code} {answer.text[:80]}")
    messages = await bench.town.messages(dossier.code)
    require(it_is=not messages, seen="the forged callback became a message")
    return "refused, and no message"


async def _finish(bench: Bench, dossier: Dossier) -> str:
    """Let the register's clerk finish a dossier; return the id of its callback once a message has come."""
    await bench.town.register("POST", f"/dossiers/{dossier.code}/finish", {})
    queued = (await bench.town.register("GET", "/callbacks?limit=10000"))["items"]
    await _messages(bench, dossier)
    return str(next(one["body"]["id"] for one in queued if one["dossier"] == dossier.code))


async def _messages(bench: Bench, dossier: Dossier) -> list[Json]:
    async def there() -> list[Json]:
        return await bench.town.messages(dossier.code)

    return await bench.until(there, "no message came of the callback", 6)


async def _answer(bench: Bench, event: str, code: str, body: Any) -> Json:
    """Send any callback through the register, and return its log entry of the first answer."""
    n_before = len(await bench.town.log(code, "callback"))
    await bench.town.register("POST", "/callbacks", {"event": event, "dossier": code, "body": body})

    async def heard() -> Json | None:
        log = (await bench.town.log(code, "callback"))[n_before:]
        return next((one for one in log if one["call"] == event), None)

    return await bench.until(heard, f"the callback {event} was not answered", 6)


def _now() -> str:
    return datetime.now(UTC).isoformat()
