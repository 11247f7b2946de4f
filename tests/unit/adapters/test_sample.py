"""The tables of the sample register: what its answers mean, what is seen by looking, what its callbacks amount to."""

from datetime import UTC, datetime

import pytest

from services.workflow.adapters.line import Outside
from services.workflow.adapters.port import Answer, Json, Message, Said, Seen, Unreadable
from services.workflow.adapters.sample.translator import Sample, change, dossier_in, judged, observed, seen
from tests.unit.adapters.pieces import CODE, told

NOW = "2026-11-20T02:00:00Z"
TAKEN, REFUSED, UNKNOWN, NO_EFFECT = Answer.TAKEN, Answer.REFUSED, Answer.UNKNOWN, Answer.NO_EFFECT


REGISTER = Sample(Outside("http://127.0.0.1:9"))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"ok": True, "number": 1}, TAKEN),
        ({"ok": True}, UNKNOWN),
        ({"ok": True, "number": 0}, UNKNOWN),
        ({"ok": True, "number": True}, UNKNOWN),
        ({"ok": True, "number": 2, "error": "storage"}, UNKNOWN),
        ({"ok": 1, "number": 2}, UNKNOWN),
        ({"ok": False, "error": "closed", "message": "đã khóa sổ"}, REFUSED),
        ({"ok": False, "error": "malformed"}, UNKNOWN),
        ({"ok": True, "error": "closed"}, UNKNOWN),
        ({}, UNKNOWN),
    ],
)
def test_an_answer_means_what_the_table_says(answer: Json, expected: Answer) -> None:
    assert judged(answer).answer is expected


def test_a_change_carries_the_delivery_by_which_it_is_found_again() -> None:
    sent = change(told("LegOffered", dossier={"status": "processing"}), "Nguyễn Văn Thử")
    assert (sent["id"], sent["code"], sent["kind"], sent["status"]) == ("id", CODE, "LegOffered", "processing")


@pytest.mark.parametrize(
    ("dossier", "reason"), [({}, "no_call"), ({"appointment_at": None}, "incomplete"), ({"code": ""}, "incomplete")]
)
async def test_what_has_no_call_or_no_date_is_refused_before_anybody_is_asked(dossier: Json, reason: str) -> None:
    fact = "DossierAccepted" if dossier else "FeePaid"
    said = await REGISTER.deliver(told(fact, dossier=dossier))
    assert (said.answer, said.reason_code) == (REFUSED, reason)


THERE = {"accepted_at": NOW, "due_at": NOW, "changes": [{"id": "id"}, "?"]}
SHOWN = {"accepted_at": NOW, "appointment_at": NOW}


@pytest.mark.parametrize(
    ("answer", "effect", "looked"),
    [
        ({"ok": True, "dossier": THERE}, TAKEN, Seen(state=SHOWN, has_last=True)),
        ({"ok": True, "dossier": {**THERE, "changes": []}}, NO_EFFECT, Seen(state=SHOWN, has_last=False)),
        ({"ok": False, "error": "unknown_dossier"}, NO_EFFECT, Seen(exists=False)),
        ({"ok": True, "error": "storage", "dossier": THERE}, UNKNOWN, None),
        ({"ok": True, "dossier": {"changes": None}}, UNKNOWN, None),
        ({"ok": False, "error": "malformed"}, UNKNOWN, None),
    ],
)
def test_a_look_says_what_is_there_and_nothing_of_what_is_not_understood(
    answer: Json, effect: Answer, looked: Seen | None
) -> None:
    sent, found = told("LegOffered"), dossier_in(answer)
    assert observed(sent, found).answer is effect
    shown = seen(sent, found)
    assert (isinstance(shown, Said) and shown.answer is UNKNOWN) if looked is None else shown == looked


@pytest.mark.parametrize(
    ("event", "more", "kind", "data"),
    [
        ("taken_up", {}, "leg_acknowledged", {}),
        ("finished", {"result": "done"}, "leg_completed", {"outcome": "registered"}),
        ("finished", {"result": "refused"}, "leg_completed", {"outcome": "not_eligible"}),
    ],
)
def test_what_it_says_is_a_message_under_its_own_id(event: str, more: Json, kind: str, data: Json) -> None:
    heard = REGISTER.hear(event, {"id": "SM-000001", "code": CODE, "at": NOW, **more})
    assert heard.messages == (Message("SM-000001", CODE, kind, datetime(2026, 11, 20, 2, tzinfo=UTC), data),)


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ("closed", {"id": "SM-1", "code": CODE, "at": NOW}),
        ("finished", {"id": "SM-1", "code": CODE, "at": NOW, "result": "lost"}),
        ("finished", {"code": CODE, "at": NOW, "result": "done"}),
        ("taken_up", {"id": "SM-1", "code": CODE, "at": "2026-11-20T02:00:00"}),
    ],
)
def test_what_is_not_in_its_table_is_unreadable(event: str, body: Json) -> None:
    with pytest.raises(Unreadable):
        REGISTER.hear(event, body)
