"""Subscribed systems are told by signed webhooks: in order, under one key, whatever their receiver does meanwhile."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.notify import jobs
from tests.integration.notify.town import OTHER_UNIT, UNIT, Town
from tests.support import eventually

BOTH = ("dossier.received", "dossier.accepted")


async def seen(here: Town, name: str) -> dict[str, Any]:
    found: dict[str, Any] = await here.sandbox("GET", f"/webhooks/{name}")
    return found


def types(summary: dict[str, Any], dossier_id: UUID | None = None) -> list[str]:
    """Return the types a receiver took, in the order they came."""
    rows = [row for row in reversed(summary["items"]) if row["answer"] < 300]
    wanted = [row for row in rows if dossier_id is None or row["body"]["data"]["dossier_id"] == str(dossier_id)]
    return [row["body"]["type"] for row in wanted]


async def accepted(here: Town) -> UUID:
    dossier_id = await here.submit()
    await here.do(dossier_id, "accept")
    await here.bring(dossier_id)
    return dossier_id


async def test_a_webhook_is_verified_by_an_independent_receiver_and_says_what_is_public(here: Town) -> None:
    subscription = await here.subscribe("portal", *BOTH)
    dossier_id = await accepted(here)
    await here.send()
    summary = await seen(here, "portal")
    assert {row["signature"] for row in summary["items"]} == {"valid"}
    assert types(summary) == list(BOTH)
    told = {m["template"]: m for m in await here.messages(dossier_id) if m["channel"] == "webhook"}
    body = summary["items"][0]["body"]
    assert summary["items"][0]["webhook_id"] == told["accepted"]["id"]
    assert body["data"]["code"].startswith("H99.01-")
    assert "attributes" not in body["data"]
    path = f"/v1/subscriptions/{subscription['id']}/deliveries"
    page = await here.call("notify", "GET", path, role="portal", subject="portal-portal", params={"limit": 1})
    assert [one["template"] for one in page.json()["items"]] == ["accepted"]
    following = {"limit": 1, "after": page.json()["next"]}
    rest = await here.call("notify", "GET", path, role="portal", subject="portal-portal", params=following)
    assert [one["template"] for one in rest.json()["items"]] == ["received"]
    wrong = await here.call("notify", "GET", path, role="ops", params={"after": "x"})
    assert wrong.status_code == 422


async def test_a_receiver_that_fails_gets_everything_in_order_once_it_is_back(here: Town) -> None:
    await here.subscribe("down", *BOTH)
    await here.sandbox("PUT", "/webhooks/down/faults", json={"status": 500, "n_calls": 2})
    dossier_id = await accepted(here)
    await here.send()
    for _ in range(2):
        await here.time_passes()
        await here.send()
    summary = await seen(here, "down")
    assert types(summary, dossier_id) == list(BOTH)
    assert (summary["n_calls"], summary["n_distinct"], summary["n_repeats"]) == (4, 2, 0)
    first = next(m for m in await here.messages(dossier_id) if m["channel"] == "webhook")
    assert [attempt["status_code"] for attempt in first["attempts"]] == [500, 500, 204]


async def test_a_failing_head_blocks_its_own_dossier_and_receiver_only(here: Town) -> None:
    await here.subscribe("sore", *BOTH)
    await here.subscribe("well", *BOTH)
    one = await accepted(here)
    await here.sandbox("PUT", "/webhooks/sore/faults", json={"status": 503, "n_calls": 1})
    assert await jobs.send_webhooks(here.notify)
    await here.send()
    assert types(await seen(here, "sore"), one) == []
    assert types(await seen(here, "well"), one) == list(BOTH)
    other = await accepted(here)
    await here.send()
    # the receiver answers again: what waited for it was woken, each dossier in its own order
    assert types(await seen(here, "sore"), other) == list(BOTH)
    assert types(await seen(here, "sore"), one) == list(BOTH)


async def test_a_receiver_that_fails_again_and_again_rests_and_costs_the_others_nothing(here: Town) -> None:
    await here.subscribe("dead", "dossier.received")
    await here.subscribe("well", "dossier.received")
    await here.sandbox("PUT", "/webhooks/dead/faults", json={"status": 500, "n_calls": 1000})
    for _ in range(3):
        await here.bring(await here.submit())
        await here.send()
    before = (await seen(here, "dead"))["n_calls"]
    await here.bring(await here.submit())
    await here.send()
    assert (await seen(here, "dead"))["n_calls"] == before
    assert (await seen(here, "well"))["n_distinct"] == 4


async def test_a_crash_after_the_call_repeats_under_the_same_webhook_id(here: Town) -> None:
    await here.subscribe("slow", "dossier.received")
    dossier_id = await here.submit()
    await here.bring(dossier_id)
    await here.sandbox("PUT", "/webhooks/slow/faults", json={"status": 200, "n_calls": 1, "delay_seconds": 2})
    sending = asyncio.create_task(jobs.send_webhooks(here.notify))

    async def arrived() -> bool:
        return bool((await seen(here, "slow"))["n_calls"] == 1)

    await eventually(arrived)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await here.time_passes()
    await here.send()
    summary = await seen(here, "slow")
    assert (summary["n_taken"], summary["n_distinct"], summary["n_repeats"]) == (2, 1, 1)
    bodies = [row["body"] for row in summary["items"]]
    assert bodies[0] == bodies[1]


async def test_a_worker_whose_lease_ran_out_does_not_record(here: Town) -> None:
    await here.subscribe("twice", "dossier.received")
    dossier_id = await here.submit()
    await here.bring(dossier_id)
    await here.sandbox("PUT", "/webhooks/twice/faults", json={"status": 200, "n_calls": 1, "delay_seconds": 1.5})
    slow = asyncio.create_task(jobs.send_webhooks(here.notify))

    async def arrived() -> bool:
        return bool((await seen(here, "twice"))["n_calls"] == 1)

    await eventually(arrived)
    await here.time_passes()
    await jobs.send_webhooks(here.notify)
    await slow
    (message,) = [m for m in await here.messages(dossier_id) if m["channel"] == "webhook"]
    assert (message["status"], [a["attempt_no"] for a in message["attempts"]]) == ("sent", [2])
    published = (await here.notify.peers.pull("notify", [(dossier_id, 1)])).events
    assert len(published) == 1


async def test_410_ends_the_subscription_and_gives_up_what_waits(here: Town) -> None:
    subscription = await here.subscribe("gone", *BOTH)
    await here.sandbox("PUT", "/webhooks/gone/faults", json={"status": 410, "n_calls": 1})
    dossier_id = await accepted(here)
    await here.send()
    async with here.notify.sessions.begin() as session:
        assert await jobs.close_ended(session, here.notify.clock.now())
    read = await here.call("notify", "GET", f"/v1/subscriptions/{subscription['id']}")
    assert read.json()["status"] == "gone"
    hooks = [m for m in await here.messages(dossier_id) if m["channel"] == "webhook"]
    assert [(m["status"], m["reason_code"]) for m in hooks] == [
        ("failed", "subscription_gone"),
        ("failed", "subscription_ended"),
    ]
    again = await here.call(
        "notify", "POST", f"/v1/subscriptions/{subscription['id']}/redeliver", json={"message_id": hooks[0]["id"]}
    )
    assert (again.status_code, again.json()["code"]) == (409, "subscription_ended")


async def test_a_redirect_is_not_followed(here: Town) -> None:
    await here.subscribe("moved", "dossier.received")
    await here.sandbox("PUT", "/webhooks/moved/faults", json={"status": 302, "n_calls": 1})
    dossier_id = await here.submit()
    await here.bring(dossier_id)
    await here.send()
    (message,) = [m for m in await here.messages(dossier_id) if m["channel"] == "webhook"]
    assert (message["status"], message["reason_code"]) == ("pending", "redirect_refused")
    assert (await seen(here, "moved-moved"))["n_calls"] == 0


async def test_redelivery_sends_again_under_the_old_keys(here: Town) -> None:
    subscription = await here.subscribe("again", *BOTH)
    dossier_id = await accepted(here)
    await here.send()
    path = f"/v1/subscriptions/{subscription['id']}/redeliver"
    who = {"role": "portal", "subject": "portal-again"}
    done = await here.call("notify", "POST", path, json={"since": "2020-01-01T00:00:00+07:00"}, **who)
    assert (done.status_code, done.json()) == (202, {"n_messages": 2, "next_since": None})
    await here.send()
    summary = await seen(here, "again")
    assert types(summary, dossier_id) == [*BOTH, *BOTH]
    assert (summary["n_distinct"], summary["n_repeats"]) == (2, 2)
    (one, *_) = [m for m in await here.messages(dossier_id) if m["channel"] == "webhook"]
    done = await here.call("notify", "POST", path, json={"message_id": one["id"]}, **who)
    assert done.json()["n_messages"] == 1
    await here.send()
    assert (await seen(here, "again"))["n_repeats"] == 3
    published = (await here.notify.peers.pull("notify", [(dossier_id, 1)])).events
    assert len(published) == 4, "two e-mails, two webhooks: a redelivery is not news"
    neither = await here.call("notify", "POST", path, json={}, **who)
    assert neither.status_code == 422


async def test_who_is_told_of_which_dossiers(here: Town) -> None:
    await here.subscribe("cong", "dossier.received", role="portal")
    await here.subscribe("unit", "dossier.received", role="officer", agency=UNIT, subject="can-bo-1")
    await here.subscribe("elsewhere", "dossier.received", role="officer", agency=OTHER_UNIT, subject="can-bo-2")
    await here.subscribe("adapter", "dossier.received", role="system", subject="vbdlis")
    online, counter = await here.submit(), await here.submit(channel="counter")
    for dossier_id in (online, counter):
        await here.bring(dossier_id)
    await here.send()
    counts = {name: (await seen(here, name))["n_distinct"] for name in ("cong", "unit", "elsewhere", "adapter")}
    assert counts == {"cong": 1, "unit": 2, "elsewhere": 0, "adapter": 2}


async def test_a_subscription_is_its_owners_alone_and_its_secret_is_answered_once(here: Town) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    body = {"url": f"{here.sandbox_url}/webhooks/own", "event_types": ["dossier.late"]}
    owner: dict[str, Any] = {"role": "portal", "subject": "cong-1"}
    made = await here.call("notify", "POST", "/v1/subscriptions", json=body, headers=key, **owner)
    again = await here.call("notify", "POST", "/v1/subscriptions", json=body, headers=key, **owner)
    assert (made.status_code, again.content) == (201, made.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert made.json()["secret"].startswith("whsec_")
    path = f"/v1/subscriptions/{made.json()['id']}"
    assert "secret" not in (await here.call("notify", "GET", path, **owner)).json()
    stranger = {"role": "portal", "subject": "cong-2"}
    for method in ("GET", "DELETE"):
        assert (await here.call("notify", method, path, **stranger)).status_code == 404
    assert (await here.call("notify", "GET", f"{path}/deliveries", **stranger)).status_code == 404
    assert (await here.call("notify", "GET", "/v1/subscriptions", **stranger)).json()["items"] == []
    assert len((await here.call("notify", "GET", "/v1/subscriptions")).json()["items"]) == 1
    assert (await here.call("notify", "DELETE", path, **owner)).status_code == 204
    assert (await here.call("notify", "GET", path, **owner)).status_code == 404
    assert (await here.call("notify", "GET", path, role="applicant")).status_code == 403


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"url": "http://10.0.0.1/x"}, 422, "unsafe_url"),
        ({"url": "https://vidu.example/x"}, 422, "unsafe_url"),
        ({"url": "ftp://127.0.0.1/x"}, 422, "malformed"),
        ({"event_types": []}, 422, "malformed"),
        ({"event_types": ["dossier.unknown"]}, 422, "malformed"),
        ({"secret": "mine"}, 422, "malformed"),
    ],
)
async def test_a_wrong_subscription_is_refused(here: Town, body: dict[str, Any], status: int, code: str) -> None:
    right = {"url": "http://127.0.0.1:9/x", "event_types": ["dossier.late"]}
    key = {"Idempotency-Key": str(uuid4())}
    answer = await here.call("notify", "POST", "/v1/subscriptions", json=right | body, headers=key)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    missing = await here.call("notify", "POST", "/v1/subscriptions", json=right)
    assert missing.status_code == 400
