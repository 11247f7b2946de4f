"""Facts become e-mails: once each, in order, to an address that is read at the moment of sending and kept nowhere."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.notify import repository
from services.notify.app import send_emails
from services.notify.domain import EVENT_TYPES
from shared.events.sla import ApologyIssued, DeadlineMissed, DeadlineMissWithdrawn, DeadlineMoved
from shared.events.workflow import RouteCompleted, TaxNoticeIssued
from shared.timeline import Event
from tests.integration.notify.town import OTHER_UNIT, PRIVATE, UNIT, Town
from tests.support import eventually

SOON = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


async def test_an_accepted_dossier_is_told_by_email_with_code_and_appointment(here: Town) -> None:
    dossier_id = await here.submit()
    accepted = await here.do(dossier_id, "accept")
    await here.bring(dossier_id)
    await here.send()
    caught = await here.sandbox("GET", "/messages")
    assert (caught["n"], caught["n_distinct"]) == (2, 2)
    second, first = caught["items"]
    assert first["subject"] == "Đã nhận được hồ sơ nộp của Ông/Bà"
    assert accepted["code"] in second["subject"]
    assert "Kính gửi: Ông/Bà Nguyễn Văn Thử" in second["text"]
    at = datetime.fromisoformat(accepted["appointment_at"])
    assert f"{at:%H} giờ {at:%M}, " in second["text"]
    assert f"ngày {at:%d/%m/%Y}" in second["text"]
    told = {message["template"]: message for message in await here.messages(dossier_id)}
    assert second["message_id"] == f"<{told['accepted']['id']}@mau.example>"
    assert second["to"] == [PRIVATE[1]]
    assert told["accepted"]["status"] == "sent"
    assert told["accepted"]["recipient"] == "n***@v***.example"
    assert [attempt["outcome"] for attempt in told["accepted"]["attempts"]] == ["sent"]
    published = (await here.notify.peers.pull("notify", [(dossier_id, 1)])).events
    assert [event.type for event in published] == ["vn.lienthong.MessageSent.v1"] * 2


async def test_a_repeat_of_an_event_makes_nothing_and_sends_nothing(here: Town) -> None:
    dossier_id = await here.submit()
    await here.bring(dossier_id)
    await here.send()
    await here.bring(dossier_id)
    # a rebuild: the head is forgotten, the messages are not
    await here.sql("UPDATE head SET intake_seq = 0, intake_chain = 0 WHERE dossier_id = :id", id=dossier_id)
    await here.bring(dossier_id)
    await here.send()
    assert (await here.sandbox("GET", "/messages"))["n"] == 1
    assert len(await here.messages(dossier_id)) == 1


async def test_a_crash_between_sending_and_recording_repeats_with_the_same_key(here: Town) -> None:
    dossier_id = await here.submit()
    await here.bring(dossier_id)
    await here.sandbox("PUT", "/messages/faults", json={"code": 250, "n_calls": 1, "delay_seconds": 2})
    sending = asyncio.create_task(send_emails(here.notify))

    async def caught() -> bool:
        return bool((await here.sandbox("GET", "/messages"))["n"] == 1)

    await eventually(caught)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert (await here.emails(dossier_id)) == {"received": "pending"}
    await here.send()
    assert (await here.sandbox("GET", "/messages"))["n"] == 1, "the lease still holds"
    await here.time_passes()
    await here.send()
    seen = await here.sandbox("GET", "/messages")
    assert (seen["n"], seen["n_distinct"]) == (2, 1)
    assert (await here.emails(dossier_id)) == {"received": "sent"}


async def test_without_an_address_the_message_ends_visibly_and_the_applicant_is_read_once(here: Town) -> None:
    dossier_id = await here.submit(email=None)
    await here.bring(dossier_id)
    await here.send()
    await here.do(dossier_id, "accept")
    await here.bring(dossier_id)
    await here.send()
    assert await here.emails(dossier_id) == {"received": "no_address", "accepted": "no_address"}
    assert (await here.sandbox("GET", "/messages"))["n"] == 0
    async with here.world.service("intake").sessions() as session:
        looks = await session.execute(text("SELECT purpose, subject FROM applicant_look"))
    assert [tuple(look) for look in looks] == [("notify", "notify")]


async def test_with_intake_away_the_message_waits_and_nothing_is_lost(here: Town) -> None:
    dossier_id = await here.submit()
    await here.bring(dossier_id)
    right = here.notify.settings.intake_url
    here.notify.settings.intake_url = "http://127.0.0.1:9"
    await here.send()
    (waiting,) = await here.messages(dossier_id)
    assert (waiting["status"], waiting["reason_code"]) == ("pending", "intake_away")
    here.notify.settings.intake_url = right
    await here.time_passes()
    await here.send()
    assert await here.emails(dossier_id) == {"received": "sent"}


async def test_a_mail_server_that_says_later_keeps_the_order_and_one_that_says_never_ends_it(here: Town) -> None:
    dossier_id = await here.submit()
    await here.do(dossier_id, "accept")
    await here.bring(dossier_id)
    await here.sandbox("PUT", "/messages/faults", json={"code": 451, "n_calls": 1})
    await here.send()
    assert await here.emails(dossier_id) == {"received": "pending", "accepted": "pending"}
    await here.sandbox("PUT", "/messages/faults", json={"code": 554, "n_calls": 1})
    await here.time_passes()
    await here.send()
    assert await here.emails(dossier_id) == {"received": "failed", "accepted": "sent"}
    published = (await here.notify.peers.pull("notify", [(dossier_id, 1)])).events
    assert [event.type.split(".")[-2] for event in published] == ["MessageFailed", "MessageSent"]


def missed(at: datetime = SOON) -> DeadlineMissed:
    return DeadlineMissed(deadline_at=at)


async def test_a_dossier_that_was_late_is_apologised_for_and_told_its_new_date(here: Town) -> None:
    dossier_id = await here.submit()
    await here.do(dossier_id, "accept")
    await here.bring(dossier_id)
    later = SOON + timedelta(days=2)
    moved = DeadlineMoved(from_at=SOON, to_at=later, reason="re_appointment", citation="TT 03/2025")
    apology = ApologyIssued(
        apology_no=1, agency_code="H99.VPDK", deadline_at=SOON, in_time=False, new_deadline_at=later
    )
    await here.foreign_applied("sla", dossier_id, missed(), apology, moved)
    await here.foreign_applied("workflow", dossier_id, RouteCompleted(outcome="granted"))
    await here.send()
    texts = [one["text"] for one in reversed((await here.sandbox("GET", "/messages"))["items"])]
    assert "chân thành xin lỗi Ông/Bà" in texts[2]
    assert "16 giờ 30, thứ Ba ngày 24/11/2026" in texts[2]
    assert "Ngày hẹn trả mới: 16 giờ 30, thứ Năm ngày 26/11/2026" in texts[3]
    assert "đã giải quyết xong" in texts[4]  # the new day is told once, with the apology
    assert not [body for body in texts if "{" in body]


async def test_a_miss_that_was_withdrawn_in_time_is_never_told(here: Town) -> None:
    dossier_id = await here.submit()
    await here.do(dossier_id, "accept")
    await here.bring(dossier_id)
    await here.foreign_applied("sla", dossier_id, missed(), DeadlineMissWithdrawn(deadline_at=SOON))
    assert (await here.emails(dossier_id))["late"] == "moot"
    assert (await here.emails(dossier_id))["late_withdrawn"] == "moot"
    await here.send()
    assert (await here.sandbox("GET", "/messages"))["n"] == 2


async def test_a_miss_that_was_told_is_corrected(here: Town) -> None:
    dossier_id = await here.submit()
    await here.do(dossier_id, "accept")
    await here.bring(dossier_id)
    await here.foreign_applied("sla", dossier_id, missed())
    await here.send()
    await here.foreign_applied("sla", dossier_id, DeadlineMissWithdrawn(deadline_at=SOON))
    await here.send()
    assert (await here.emails(dossier_id))["late_withdrawn"] == "sent"


async def test_a_miss_that_may_have_been_told_is_corrected(here: Town) -> None:
    """Whoever sent the word died before it was recorded: it may be out, so its correction has to follow."""
    dossier_id = await here.submit()
    await here.do(dossier_id, "accept")
    await here.bring(dossier_id)
    await here.send()
    await here.foreign_applied("sla", dossier_id, missed())
    async with here.notify.sessions.begin(uniform=True) as session:
        assert len(await repository.claim_emails(session, 5)) == 1
    await here.sql(
        "UPDATE message SET leased_until = clock_timestamp(), next_try_at = clock_timestamp()"
        " WHERE leased_until IS NOT NULL"
    )
    await here.foreign_applied("sla", dossier_id, DeadlineMissWithdrawn(deadline_at=SOON))
    await here.send()
    emails = await here.emails(dossier_id)
    assert (emails["late"], emails["late_withdrawn"]) == ("sent", "sent")


@pytest.mark.parametrize("was_sent", [True, False])
async def test_a_notice_that_was_replaced_is_not_asked_for_any_more(here: Town, was_sent: bool) -> None:
    await here.subscribe("all", "dossier.payment_requested", role="ops")
    dossier_id = await here.submit()
    await here.do(dossier_id, "accept")
    await here.bring(dossier_id)
    for leg_no, notice_no in ((3, "TB-1"), (7, "TB-2")):
        notice = TaxNoticeIssued(leg_no=leg_no, notice_no=notice_no, amount=1_500_000)
        determined = await here.foreign_applied("workflow", dossier_id, notice)
        await here.world.service("intake").inbox.apply(determined, trusted=True)
        await here.bring(dossier_id)
        if was_sent:
            await here.send()
    await here.send()
    rows = await here.sql(
        "SELECT channel, data ->> 'notice_no' AS no, data ->> 'replaces' AS old, status, template_version AS version"
        " FROM message WHERE template = 'payment_requested'"
    )
    emails = {row["no"]: (row["status"], row["version"]) for row in rows if row["channel"] == "email"}
    assert emails == {"TB-1": ("sent" if was_sent else "moot", 2), "TB-2": ("sent", 2)}
    webhooks = {row["no"]: (row["status"], row["old"]) for row in rows if row["channel"] == "webhook"}
    assert webhooks == {"TB-1": ("sent", "[]"), "TB-2": ("sent", '["TB-1"]')}
    texts = [one["text"] for one in (await here.sandbox("GET", "/messages"))["items"]]
    assert sum("Thay cho thông báo: TB-1; không nộp theo thông báo cũ." in body for body in texts) == 1
    assert sum("Số thông báo: TB-1" in body for body in texts) == was_sent


@pytest.mark.parametrize("end_first", [True, False])
async def test_a_result_that_crosses_a_withdrawal_is_moot_in_either_order(here: Town, end_first: bool) -> None:
    dossier_id = await here.submit()
    await here.do(dossier_id, "accept")
    await here.bring(dossier_id)
    crossing = await here.foreign("workflow", dossier_id, RouteCompleted(outcome="granted"))
    await here.do(dossier_id, "withdraw", {"reason_code": "applicant"}, role="portal")
    withdrawn = (await here.intake_events(dossier_id))[-1:]
    for events in [withdrawn, crossing] if end_first else [crossing, withdrawn]:
        await here.notify.inbox.apply(events, trusted=True)
    assert (await here.emails(dossier_id))["result_ready"] == "moot"
    assert (await here.sql("SELECT count(*) AS n FROM parked WHERE dossier_id = :id", id=dossier_id))[0]["n"] == 0


async def test_a_supplement_request_names_the_papers(here: Town) -> None:
    dossier_id = await here.submit(email=PRIVATE[1])
    ask = {"ground": "missing_papers", "component_codes": ["GCN"], "note": "bổ sung"}
    await here.do(dossier_id, "request-supplement", ask)
    await here.bring(dossier_id)
    await here.send()
    body = (await here.sandbox("GET", "/messages"))["items"][0]["text"]
    assert "  - Giấy chứng nhận đã cấp (bản gốc)" in body
    assert f"Mã hồ sơ: chưa cấp (mã nộp hồ sơ {dossier_id})" in body


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_order_facts_arrive_in_the_messages_are_the_same(here: Town, seed: int) -> None:
    await here.subscribe("all", *EVENT_TYPES, role="ops")
    dossier_id = await here.submit()
    await here.do(dossier_id, "accept")
    events = await here.foreign("sla", dossier_id, missed(), DeadlineMissWithdrawn(deadline_at=SOON))
    events += await here.foreign("workflow", dossier_id, RouteCompleted(outcome="granted"))
    await here.do(dossier_id, "withdraw", {"reason_code": "applicant"}, role="portal")
    events += await here.intake_events(dossier_id)

    async def outcome(order: list[Event]) -> list[Any]:
        await here.sql("TRUNCATE message, dossier, head, hold")
        while await here.sql("SELECT 1 FROM hold") or not await here.sql("SELECT 1 FROM head"):
            for event in order:
                await here.notify.inbox.apply([event], trusted=True)
        return await here.sql("SELECT id, status, data, template_version, lane FROM message ORDER BY id")

    straight = await outcome(sorted(events, key=lambda event: event.order))
    assert len(straight) == 11
    assert await outcome(random.Random(seed).sample(events, len(events))) == straight


async def test_who_may_see_the_messages_of_a_dossier(here: Town) -> None:
    dossier_id = await here.submit(channel="counter")
    await here.bring(dossier_id)
    assert len(await here.messages(dossier_id, role="officer", agency=UNIT)) == 1
    path = f"/v1/dossiers/{dossier_id}/messages"
    for who, status in (
        ({"role": "officer", "agency": OTHER_UNIT}, 404),
        ({"role": "portal"}, 404),
        ({"role": "applicant"}, 403),
        ({"role": "system", "subject": "vbdlis"}, 200),
    ):
        assert (await here.call("notify", "GET", path, **who)).status_code == status, who
    assert (await here.call("notify", "GET", f"/v1/dossiers/{UUID(int=0)}/messages")).status_code == 404


async def test_nothing_of_a_person_is_in_any_table_or_fact_of_notify(here: Town) -> None:
    await here.subscribe("all", "dossier.received", "dossier.accepted", role="ops")
    dossier_id = await here.submit()
    await here.do(dossier_id, "accept")
    await here.bring(dossier_id)
    await here.send()
    tables = await here.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    n_rows = 0
    for table in (row["tablename"] for row in tables):
        for row in await here.sql(f'SELECT to_jsonb(t)::text AS whole FROM "{table}" t'):
            n_rows += 1
            assert not [secret for secret in PRIVATE if secret in row["whole"]], table
    events = (await here.notify.peers.pull("notify", [(dossier_id, 1)])).events
    assert not [secret for secret in PRIVATE for event in events if secret.encode() in event.data]
    assert n_rows > 10
    assert len(events) == 4


async def test_over_kafka_with_all_workers_running_it_arrives_by_itself(lively: Town) -> None:
    dossier_id = await lively.submit()
    accepted = await lively.do(dossier_id, "accept")

    async def told() -> bool:
        subjects = [one["subject"] for one in (await lively.sandbox("GET", "/messages"))["items"]]
        return any(accepted["code"] in subject for subject in subjects)

    await eventually(told, seconds=60)
    path = f"/v1/dossiers/{dossier_id}/timeline"

    async def shown() -> bool:
        answer = await lively.call("intake", "GET", path)
        return [one["type"] for one in answer.json()["items"]].count("vn.lienthong.MessageSent.v1") == 2

    await eventually(shown, seconds=60)
