"""The checker bites: a small right history, and every way to break it is found and called by its name."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest

from shared.timeline import Event, chain_over
from tests.chaos.checker import Evidence, judge
from tests.chaos.checker.evidence import SERVICES, SYSTEMS, TABLES, Row, Told
from tests.chaos.checker.ledgers import chain
from tests.chaos.checker.messages import NAMESPACE

DOSSIER = UUID("019cbd2d-7c8c-787e-94fc-f38752135776")
CODE = "H99.01-260305-0001"
START = datetime(2026, 3, 5, 1, tzinfo=UTC)
DUE, RECEIVED = "2026-03-17T10:00:00+00:00", "2026-03-05T01:01:00.000Z"
HISTORY: list[tuple[str, str, dict[str, Any], str]] = [
    ("intake", "DossierSubmitted", {}, ""),
    ("intake", "DossierAccepted", {"code": CODE, "appointment_at": DUE}, ""),
    ("workflow", "RouteOpened", {}, "intake=2"),
    ("workflow", "LegOffered", {"leg_no": 2, "due_at": RECEIVED}, "intake=2"),
    ("sla", "ClockStarted", {"deadline_at": DUE}, "intake=2"),
    ("workflow", "LegAcknowledged", {"leg_no": 2}, "intake=2,sla=1"),
    ("sla", "LegDeadlineMoved", {"leg_no": 2, "to_at": DUE}, "intake=2,workflow=3"),
    ("workflow", "LegCompleted", {"leg_no": 2}, "intake=2,sla=2"),
]
"""(source, fact, data, causes) in the order they happened."""


def number(n: int) -> UUID:
    return uuid5(NAMESPACE, str(n))


def right() -> Evidence:
    """Return what a right system shows after the history."""
    tables: dict[str, dict[str, list[Row]]] = {one: {table: [] for table in TABLES[one]} for one in SERVICES}
    last: dict[str, tuple[Any, Any]] = dict.fromkeys(SERVICES, (0, 0))
    for n, (source, fact, data, after) in enumerate(HISTORY):
        row = {
            "dossier_id": DOSSIER, "seq": last[source][0] + 1, "id": number(n), "type": f"vn.lienthong.{fact}.v1",
            "time": START + timedelta(minutes=n), "after": after, "data": json.dumps(data).encode(),
            "published_at": START,
        }  # fmt: skip
        row["chain"] = chain(last[source][1], row)
        last[source] = (row["seq"], row["chain"])
        tables[source]["event"].append(row)
        if source != "intake":
            tables["intake"]["timeline_event"].append({"source": source, **row})
    head = {
        f"{source}_{name}": value
        for source in SERVICES
        for name, value in zip(("seq", "chain"), last[source], strict=True)
    }
    for service in SERVICES:
        tables[service]["head"].append({"dossier_id": DOSSIER, **head})
    _fill(tables)
    told = [
        _told("submit", {"id": str(DOSSIER)}),
        _told("accept", {"code": CODE}),
        _told("complete", {}, "workflow", 2),
    ]
    portal = {
        "state": "4",
        "due_at": DUE,
        "received_at": RECEIVED,
        "fields": {"MaTTHC": "LT.01", "DonViXuLy": "H99.01"},
    }
    outside: dict[str, dict[str, Row]] = {system: {} for system in SYSTEMS}
    outside |= {"dvcqg": {str(DOSSIER): portal}, "vbdlis": {CODE: {}}}
    outside |= {
        "bhxh": {CODE: {"fields": {"MaThuTuc": "LT.01"}}},
        "tax": {CODE: {"fields": {"slips": [1], "payments": []}}},
    }
    calls: dict[str, list[Row]] = {system: [] for system in SYSTEMS}
    calls["vbdlis"] = [{"dossier": CODE, "call": "tiepnhan"}]
    mails = [{"message_id": f"<{uuid5(NAMESPACE, f'{number(n)}/applicant/email')}@x>"} for n in (0, 1)]
    deeds = [("vbdlis", CODE, "finish")]
    return Evidence(tables, told, deeds=deeds, outside=outside, calls=calls, mails=mails)


def _told(command: str, body: Row, service: str = "intake", leg_no: int = 0) -> Told:
    return Told(command, service, str(DOSSIER), leg_no, f"key of {command}", body)


def _fill(tables: dict[str, dict[str, list[Row]]]) -> None:
    leg = {"dossier_id": DOSSIER, "leg_no": 2, "status": "completed", "agency_code": "H99.VPDK", "offered_at": START}
    leg["due_at"] = datetime.fromisoformat(DUE)
    dates = {"accepted_at": START + timedelta(minutes=1), "appointment_at": datetime.fromisoformat(DUE)}
    codes = {"code": CODE, "procedure_code": "LT.01", "receiving_unit_code": "H99.01"}
    tables["intake"]["dossier"].append({"id": DOSSIER, "status": "processing", **codes, **dates})
    tables["workflow"]["dossier"].append({"id": DOSSIER, "code": CODE, "status": "open"})
    tables["workflow"]["leg"].append(leg)
    tables["workflow"]["exchange"].append({"dossier_id": DOSSIER, "code": CODE})
    tables["sla"]["clock"].append({"dossier_id": DOSSIER, "status": "running"})
    tables["sla"]["leg_clock"].append(leg)
    tables["notify"]["dossier"].append({"id": DOSSIER, "code": CODE})
    for n, time in ((0, START), (1, START + timedelta(minutes=1))):
        key = uuid5(NAMESPACE, f"{number(n)}/applicant/email")
        tables["notify"]["message"].append(
            {
                "id": key,
                "status": "sent",
                "channel": "email",
                "lane": DOSSIER,
                "event_id": number(n),
                "event_time": time,
            }
        )
    facts = {"dvcqg": ("DossierSubmitted", "DossierAccepted", "LegOffered", "LegAcknowledged", "LegCompleted")}
    for system in SYSTEMS:
        tables["workflow"]["delivery"] += _lane(system, facts.get(system, ("LegOffered",)))
    _say(tables)


def _lane(system: str, facts: tuple[str, ...]) -> list[Row]:
    found = [(number(n), fact) for n, (_, fact, _, _) in enumerate(HISTORY) if fact in facts]
    lane = {"dossier_id": DOSSIER, "system": system, "state": "done", "payload": json.dumps({"data": {}})}
    return [{**lane, "no": no, "event_id": event, "fact": fact} for no, (event, fact) in enumerate(found, 1)]


def _say(tables: dict[str, dict[str, list[Row]]]) -> None:
    """Let notify have said that both e-mails were sent: its own history, known everywhere."""
    at: tuple[Any, Any] = (0, 0)
    for n, message in enumerate(tables["notify"]["message"]):
        row = {
            "dossier_id": DOSSIER, "seq": n + 1, "id": number(100 + n), "type": "vn.lienthong.MessageSent.v1",
            "time": START + timedelta(hours=1, minutes=n), "after": "intake=2",
            "data": json.dumps({"message_id": str(message["id"])}).encode(), "published_at": START,
        }  # fmt: skip
        row["chain"] = chain(at[1], row)
        at = (n + 1, row["chain"])
        tables["notify"]["event"].append(row)
        tables["intake"]["timeline_event"].append({"source": "notify", **row})
    for service in SERVICES:
        tables[service]["head"][0] |= {"notify_seq": at[0], "notify_chain": at[1]}
    portal = [{"text": f"Bước {n}: …"} for n in range(1, 6)]
    tables["workflow"].setdefault("portal", portal)


@pytest.fixture
def seen() -> Evidence:
    evidence = right()
    evidence.outside["dvcqg"][str(DOSSIER)]["progress"] = evidence.tables["workflow"].pop("portal")
    return evidence


def events(seen: Evidence, service: str) -> list[Row]:
    return seen.tables[service]["event"]


def lose_one(seen: Evidence) -> None:
    del events(seen, "workflow")[1]


def lose_the_last(seen: Evidence) -> None:
    events(seen, "workflow").pop()


def double(seen: Evidence) -> None:
    events(seen, "workflow").append(deepcopy(events(seen, "workflow")[2]))


def swap(seen: Evidence) -> None:
    """Exchange two events and make the chains fit again, as a forger would."""
    history, previous = events(seen, "workflow"), 0
    second, third = history[1]["seq"], history[2]["seq"]
    history[1], history[2] = history[2] | {"seq": second}, history[1] | {"seq": third}
    for row in history:
        row["chain"] = previous = chain(previous, row)


def alter(seen: Evidence) -> None:
    events(seen, "intake")[1]["data"] += b" "


def alter_a_chain(seen: Evidence) -> None:
    events(seen, "sla")[0]["chain"] ^= 1


def apply_less(seen: Evidence) -> None:
    seen.tables["notify"]["head"][0]["workflow_seq"] -= 1


def apply_another_history(seen: Evidence) -> None:
    seen.tables["sla"]["head"][0]["intake_chain"] ^= 1


def forget_what_was_acknowledged(seen: Evidence) -> None:
    seen.told.append(_told("return-result", {}))


def submit_twice(seen: Evidence) -> None:
    seen.told = [one for one in seen.told if one.command != "submit"]


def issue_a_code_twice(seen: Evidence) -> None:
    seen.told.append(Told("accept", "intake", str(DOSSIER), 0, "another key", {"code": CODE}))


def show_another_status(seen: Evidence) -> None:
    seen.tables["sla"]["leg_clock"] = [{"dossier_id": DOSSIER, "leg_no": 2, "status": "offered"}]


def leave_a_leg_its_old_deadline(seen: Evidence) -> None:
    seen.tables["workflow"]["leg"] = [{**seen.tables["workflow"]["leg"][0], "due_at": datetime.fromisoformat(RECEIVED)}]


def promise_another_date(seen: Evidence) -> None:
    seen.tables["intake"]["dossier"][0]["appointment_at"] = START


def send_no_mail(seen: Evidence) -> None:
    seen.mails.pop()


def make_no_message(seen: Evidence) -> None:
    seen.tables["notify"]["message"].pop()


def mail_what_nobody_said(seen: Evidence) -> None:
    seen.mails.append({"message_id": f"<{number(7)}@x>"})


def lose_at_the_portal(seen: Evidence) -> None:
    del seen.outside["dvcqg"][str(DOSSIER)]["progress"][2]


def double_at_the_portal(seen: Evidence) -> None:
    seen.outside["dvcqg"][str(DOSSIER)]["progress"].append({"text": "Bước 5: …"})


def swap_at_the_portal(seen: Evidence) -> None:
    seen.outside["dvcqg"][str(DOSSIER)]["progress"].reverse()


def stand_elsewhere_at_the_portal(seen: Evidence) -> None:
    seen.outside["dvcqg"][str(DOSSIER)]["state"] = "10"


def move_the_date_at_the_portal(seen: Evidence) -> None:
    seen.outside["dvcqg"][str(DOSSIER)]["due_at"] = "2030-01-01T01:00:00.000Z"


def hand_it_to_another_unit_at_the_portal(seen: Evidence) -> None:
    seen.outside["dvcqg"][str(DOSSIER)]["fields"]["DonViXuLy"] = "H99.02"


def delete_at_social_insurance(seen: Evidence) -> None:
    seen.outside["bhxh"].clear()


def make_it_another_matter_at_social_insurance(seen: Evidence) -> None:
    seen.outside["bhxh"][CODE]["fields"]["MaThuTuc"] = "BH.99"


def send_a_second_slip(seen: Evidence) -> None:
    seen.outside["tax"][CODE]["fields"]["slips"].append(2)


def lose_the_slip(seen: Evidence) -> None:
    seen.outside["tax"][CODE]["fields"]["slips"].clear()


def tell_again_in_vain(seen: Evidence) -> None:
    """An incident that was closed by telling again excuses nothing."""
    seen.tables["workflow"]["incident"].append(incident("bhxh", closed_at=START, action="retry"))
    delete_at_social_insurance(seen)


def vanish_at_the_registry(seen: Evidence) -> None:
    seen.outside["vbdlis"].clear()


def open_twice_at_the_registry(seen: Evidence) -> None:
    seen.calls["vbdlis"] *= 2


def tell_nobody(seen: Evidence) -> None:
    seen.tables["workflow"]["delivery"] = [
        row for row in seen.tables["workflow"]["delivery"] if (row["system"], row["no"]) != ("dvcqg", 5)
    ]


def forget_what_a_clerk_did(seen: Evidence) -> None:
    seen.deeds.append(("tax", CODE, "determine"))


def incident(system: str, **more: Any) -> Row:
    return {"dossier_id": DOSSIER, "system": system, "kind": "diverged", "closed_at": None, "action": None, **more}


def wait_unseen(seen: Evidence) -> None:
    seen.tables["workflow"]["delivery"][4]["state"] = "refused"


BROKEN: list[tuple[Callable[[Evidence], None], str]] = [
    (lose_one, "lost"), (lose_the_last, "lost"), (double, "doubled"), (swap, "reordered"), (alter, "diverged"),
    (alter_a_chain, "diverged"), (apply_less, "lost"), (apply_another_history, "diverged"),
    (forget_what_was_acknowledged, "lost"), (submit_twice, "doubled"), (issue_a_code_twice, "doubled"),
    (show_another_status, "diverged"), (leave_a_leg_its_old_deadline, "diverged"),
    (promise_another_date, "diverged"), (send_no_mail, "lost"),
    (make_no_message, "lost"), (mail_what_nobody_said, "doubled"), (lose_at_the_portal, "lost"),
    (double_at_the_portal, "doubled"), (swap_at_the_portal, "reordered"),
    (stand_elsewhere_at_the_portal, "diverged"), (vanish_at_the_registry, "lost"),
    (open_twice_at_the_registry, "doubled"), (tell_nobody, "lost"), (wait_unseen, "lost"),
    (forget_what_a_clerk_did, "lost"), (move_the_date_at_the_portal, "diverged"),
    (hand_it_to_another_unit_at_the_portal, "diverged"), (delete_at_social_insurance, "lost"),
    (make_it_another_matter_at_social_insurance, "diverged"), (send_a_second_slip, "doubled"),
    (lose_the_slip, "lost"), (tell_again_in_vain, "lost"),
]  # fmt: skip


def test_a_right_history_is_found_right(seen: Evidence) -> None:
    assert judge(seen) == []


@pytest.mark.parametrize(("breach", "kind"), BROKEN, ids=lambda value: getattr(value, "__name__", value))
def test_a_broken_history_is_found_broken(seen: Evidence, breach: Callable[[Evidence], None], kind: str) -> None:
    breach(seen)
    assert kind in {one.kind for one in judge(seen)}


VISIBLE: list[tuple[Callable[[Evidence], None], str]] = [
    (wait_unseen, "dvcqg"), (move_the_date_at_the_portal, "dvcqg"), (lose_at_the_portal, "dvcqg"),
    (double_at_the_portal, "dvcqg"), (delete_at_social_insurance, "bhxh"),
    (make_it_another_matter_at_social_insurance, "bhxh"), (lose_the_slip, "tax"),
]  # fmt: skip


@pytest.mark.parametrize(("breach", "system"), VISIBLE, ids=lambda value: getattr(value, "__name__", value))
@pytest.mark.parametrize("how", [{}, {"closed_at": START, "action": "accept"}, {"dossier_id": None}])
def test_a_divergence_that_a_person_can_see_is_not_silent(
    seen: Evidence, breach: Callable[[Evidence], None], system: str, how: Row
) -> None:
    breach(seen)
    seen.tables["workflow"]["incident"].append(incident(system, **how))
    seen.tables["workflow"]["standing"].append({"dossier_id": DOSSIER, "system": system, "verdict": "diverged"})
    assert judge(seen) == []


@pytest.mark.parametrize("breach", [send_a_second_slip, swap_at_the_portal])
def test_what_no_incident_excuses(seen: Evidence, breach: Callable[[Evidence], None]) -> None:
    breach(seen)
    seen.tables["workflow"]["incident"] += [incident("tax"), incident("dvcqg")]
    assert judge(seen) != []


def test_another_order_that_a_person_can_see_is_not_silent(seen: Evidence) -> None:
    """Chaos, seed 902: a line that the portal took late stands before those that were told again."""
    swap_at_the_portal(seen)
    seen.tables["workflow"]["incident"].append(incident("dvcqg", kind="log"))
    assert judge(seen) == []


def test_the_chain_that_was_written_anew_is_the_one_of_the_product(seen: Evidence) -> None:
    previous = 0
    for row in events(seen, "workflow"):
        event = Event(
            "workflow", *(row[name] for name in ("dossier_id", "seq", "id", "type", "time", "after", "chain", "data"))
        )
        assert chain_over(previous, event) == row["chain"]
        previous = row["chain"]
