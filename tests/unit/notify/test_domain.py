"""The rules of notify: keys, back-off, masks, who is told, where webhooks may go, and what every template says."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.notify import repository
from services.notify.consumers import consumer
from services.notify.domain import (
    LONGEST_PAUSE_SECONDS,
    ONLY_SUBSCRIBERS,
    TOLD,
    AddressRule,
    Kind,
    Scope,
    Status,
    Template,
    TemplateIncomplete,
    UnsafeUrl,
    Words,
    back_off,
    in_words,
    is_for_applicant,
    judge_webhook,
    lane_of,
    mask,
    may_know,
    message_key,
    pause,
    placeholders,
    public_data,
    render,
    scope_of,
    values_of,
)
from shared.events import Fact
from shared.events.base import Limit
from shared.events.intake import (
    DossierAccepted,
    DossierRefused,
    DossierReopened,
    DossierStopped,
    DossierSubmitted,
    PaymentRequested,
    ResultPosted,
    SupplementRequested,
)
from shared.events.sla import ApologyIssued, DeadlineMissed, DeadlineMissWithdrawn, DeadlineMoved
from shared.events.workflow import RouteCompleted
from tests.support import PROVINCE

AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
COMMON: dict[str, Any] = {
    "procedure": "DD.01@3", "field_code": "dat-dai", "channel": "online", "receiving_unit_code": "H99.01",
    "applicant_kind": "citizen", "result_delivery": "post", "attributes": {"parcel_no": "7"},
}  # fmt: skip
FACTS: list[Fact] = [
    DossierSubmitted(**COMMON, applicant_version=1),
    DossierAccepted(
        **COMMON,
        code="H99.01-261124-0001",
        calendar="VN@1",
        limit=Limit(amount=8, unit="working_days"),
        appointment_at=AT,
    ),
    DossierRefused(reason_code="wrong_place"),
    SupplementRequested(request_no=1, stage="reception", ground="missing", component_codes=["GCN"]),
    PaymentRequested(notice_no="TB-1", kind="tax", amount=12_500_000, due_on=date(2026, 12, 1)),
    PaymentRequested(notice_no="TB-2", kind="fee", amount=50_000),
    DeadlineMoved(from_at=AT, to_at=AT + timedelta(days=1), reason="surveying", citation="TT 01/2018/TT-VPCP"),
    DeadlineMissed(deadline_at=AT),
    ApologyIssued(apology_no=1, agency_code="H99.VPDK", deadline_at=AT, in_time=True, new_deadline_at=AT),
    ApologyIssued(apology_no=2, agency_code="H99.VPDK", deadline_at=AT, in_time=False),
    DeadlineMissWithdrawn(deadline_at=AT),
    RouteCompleted(outcome="not_granted"),
    ResultPosted(carrier_code="vnpost"),
    DossierReopened(reason_code="wrong_result"),
    DossierStopped(reason_code="no_supplement"),
]
GIVEN_BY_HANDLERS = {
    "dossier_id", "dossier_code", "event_time", "procedure_name", "unit_name", "limit_note", "result_delivery_words",
}  # fmt: skip


def test_after_an_apology_the_applicant_is_not_written_to_about_the_same_again() -> None:
    moved = {"from_at": AT, "to_at": AT, "citation": "x"}
    assert not is_for_applicant(DeadlineMoved(**moved, reason="re_appointment"))
    assert is_for_applicant(DeadlineMoved(**moved, reason="calendar"))
    assert not is_for_applicant(DeadlineMissed(deadline_at=AT, promised_at=AT))
    assert is_for_applicant(DeadlineMissed(deadline_at=AT))


def test_every_ground_that_moves_a_date_has_words_for_the_applicant() -> None:
    grounds = json.loads((PROVINCE / "grounds/closed-list.json").read_text(encoding="utf-8"))
    assert {one["code"] for one in grounds} <= repository.words().tables["reason"].keys()


def test_every_fact_of_the_others_is_handled_or_ignored_on_purpose() -> None:
    assert consumer.undeclared() == set()


def test_the_key_of_a_message_is_the_same_for_every_repeat_and_different_for_everything_else() -> None:
    event, other = uuid4(), uuid4()
    assert message_key(event, "applicant", "email") == message_key(UUID(str(event)), "applicant", "email")
    keys = {
        message_key(a_event, recipient, channel)
        for a_event in (event, other)
        for recipient in ("applicant", str(other))
        for channel in ("email", "webhook")
    }
    assert len(keys) == 8
    assert lane_of(event, "applicant", "email") not in {lane_of(event, str(other), "webhook"), *keys}
    assert message_key(event, "applicant", "email").version == 5


def test_back_off_grows_to_an_hour_and_never_ends() -> None:
    waits = [back_off(n) for n in range(1, 12)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1], back_off(10_000)) == (timedelta(seconds=2), timedelta(hours=1), timedelta(hours=1))


def test_a_receiver_rests_only_after_several_failures() -> None:
    assert [pause(n) for n in (0, 1, 2)] == [timedelta()] * 3
    assert pause(3) == timedelta(seconds=8)
    assert pause(10_000) == timedelta(seconds=LONGEST_PAUSE_SECONDS)


@pytest.mark.parametrize(
    ("code", "status", "is_gone"),
    [
        (200, Status.SENT, False),
        (204, Status.SENT, False),
        (301, Status.PENDING, False),
        (400, Status.PENDING, False),
        (410, Status.FAILED, True),
        (429, Status.PENDING, False),
        (500, Status.PENDING, False),
    ],
)
def test_only_2xx_is_taken_and_only_410_is_final(code: int, status: Status, is_gone: bool) -> None:
    outcome = judge_webhook(code, "120")
    assert (outcome.status, outcome.is_gone) == (status, is_gone)
    assert outcome.wait_seconds == (120 if status is Status.PENDING else 0)
    assert judge_webhook(code, "Wed, 21 Oct 2026 07:28:00 GMT").wait_seconds == 0


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("nguyen.van.a@vidu.example", "n***@v***.example"),
        ("x@localhost", "x***@l***"),
        ("ông@vidu.vn", "ô***@v***.vn"),
    ],
)
def test_an_address_is_masked(address: str, masked: str) -> None:
    assert mask(address) == masked


@pytest.mark.parametrize(
    ("roles", "agency", "scope"),
    [
        ({"ops"}, None, Scope.ALL),
        ({"system"}, None, Scope.ALL),
        ({"portal"}, None, Scope.ONLINE),
        ({"officer"}, "H99.01", Scope.UNIT),
        ({"officer"}, None, Scope.NONE),
        ({"applicant", "leader"}, "H99.01", Scope.NONE),
        (set(), None, Scope.NONE),
    ],
)
def test_the_scope_of_a_caller(roles: set[str], agency: str | None, scope: Scope) -> None:
    assert scope_of(roles, agency) is scope


@pytest.mark.parametrize("channel", ["online", "counter", None])
@pytest.mark.parametrize("unit", ["H99.01", "H99.02", None])
def test_who_may_know_of_a_dossier(channel: str | None, unit: str | None) -> None:
    assert may_know(Scope.ALL, None, channel, unit)
    assert may_know(Scope.ONLINE, None, channel, unit) == (channel == "online")
    assert may_know(Scope.UNIT, "H99.01", channel, unit) == (unit == "H99.01")
    assert not may_know(Scope.UNIT, None, channel, unit)
    assert not may_know(Scope.NONE, "H99.01", channel, unit)


PRODUCTION, LOCAL = AddressRule(is_local=False, trusted_hosts=frozenset({"vbdlis.tinh"})), AddressRule(is_local=True)


@pytest.mark.parametrize(
    ("rule", "url", "is_allowed"),
    [
        (PRODUCTION, "https://cong.tinh.example/hook", True),
        (PRODUCTION, "https://8.8.8.8/hook", True),
        (PRODUCTION, "http://vbdlis.tinh:8080/hook", True),
        (PRODUCTION, "http://cong.tinh.example/hook", False),
        (PRODUCTION, "https://127.0.0.1/hook", False),
        (PRODUCTION, "https://10.1.2.3/hook", False),
        (PRODUCTION, "https://169.254.169.254/latest", False),
        (PRODUCTION, "https://[::1]/hook", False),
        (PRODUCTION, "https://[::ffff:10.0.0.1]/hook", False),
        (PRODUCTION, "https://[fd00::1]/hook", False),
        (PRODUCTION, "https://user:pass@cong.tinh.example/hook", False),
        (PRODUCTION, "https://cong.tinh.example:99999/hook", False),
        (PRODUCTION, "https:///hook", False),
        (PRODUCTION, "file:///etc/passwd", False),
        (LOCAL, "http://127.0.0.1:8010/webhooks/a", True),
        (LOCAL, "http://localhost:8010/webhooks/a", True),
        (LOCAL, "http://[::1]:8010/webhooks/a", True),
        (LOCAL, "https://cong.tinh.example/hook", False),
        (LOCAL, "http://10.0.0.1/hook", False),
    ],
)
def test_where_webhooks_may_go(rule: AddressRule, url: str, is_allowed: bool) -> None:
    if is_allowed:
        rule.check_url(url)
    else:
        with pytest.raises(UnsafeUrl):
            rule.check_url(url)


def test_a_public_name_that_stands_for_an_inner_address_is_refused_at_the_call() -> None:
    for address in ("10.0.0.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "fe80::1"):
        with pytest.raises(UnsafeUrl):
            PRODUCTION.check_address("cong.tinh.example", address)
    PRODUCTION.check_address("vbdlis.tinh", "10.0.0.1")
    PRODUCTION.check_address("cong.tinh.example", "8.8.8.8")


def test_times_and_money_as_a_citizen_reads_them() -> None:
    assert in_words(AT) == "16 giờ 30, thứ Ba ngày 24/11/2026"
    assert in_words(AT.astimezone(timezone(timedelta(hours=-5)))) == in_words(AT)
    assert in_words(date(2026, 11, 29)) == "Chủ nhật ngày 29/11/2026"
    assert in_words(12_500_000) == "12.500.000"


def test_there_is_one_fact_of_every_kind_to_try_the_templates_with() -> None:
    tried = {TOLD[type(fact)] for fact in FACTS}
    assert tried == set(Kind) - ONLY_SUBSCRIBERS


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: type(fact).__name__)
def test_every_placeholder_of_a_template_is_filled(fact: Fact) -> None:
    kind = TOLD[type(fact)]
    template = repository.templates()[kind, repository.newest_version(kind)]
    values = values_of(fact, repository.words()) | dict.fromkeys(GIVEN_BY_HANDLERS | {"pronoun"}, "có")
    if isinstance(fact, SupplementRequested):
        values |= {"components": "  - giấy", "respond_by_line": ""}
    subject, body = render(template, values)
    assert "{" not in subject + body
    assert "None" not in subject + body
    assert "\n" not in subject


@pytest.mark.parametrize(
    ("replaces", "line"),
    [
        ([], "Số thông báo: TB-3\nSố tiền:"),
        (
            ["TB-1", "TB-2"],
            "Số thông báo: TB-3\nThay cho thông báo: TB-1, TB-2; không nộp theo thông báo cũ.\nSố tiền:",
        ),
    ],
)
def test_a_payment_request_says_which_notices_it_replaces(replaces: list[str], line: str) -> None:
    fact = PaymentRequested(notice_no="TB-3", kind="tax", amount=100, replaces=replaces)
    values = values_of(fact, repository.words()) | dict.fromkeys(GIVEN_BY_HANDLERS | {"pronoun"}, "có")
    assert line in render(repository.templates()[Kind.PAYMENT_REQUESTED, 2], values)[1]


def test_a_message_of_an_older_version_of_its_template_keeps_its_words() -> None:
    """Its data was fixed when the version was the newest: what a later one asks for is not in it."""
    fact = PaymentRequested(notice_no="TB-3", kind="tax", amount=100, replaces=["TB-1"])
    values = values_of(fact, repository.words()) | dict.fromkeys(GIVEN_BY_HANDLERS | {"pronoun"}, "có")
    del values["replaces_line"]
    assert "Thay cho" not in render(repository.templates()[Kind.PAYMENT_REQUESTED, 1], values)[1]


def test_the_layout_asks_only_for_what_every_message_has() -> None:
    layout = repository.templates()["layout", repository.newest_version("layout")]
    assert placeholders(layout) == {"salutation", "content", "unit_name", "pronoun", "subject"}


def test_a_template_that_asks_for_too_much_is_a_mistake_and_values_are_never_templates() -> None:
    template = Template("x", 1, "{a}\nz", "{b}")
    with pytest.raises(TemplateIncomplete):
        render(template, {"a": "1"})
    assert render(template, {"a": "{b}\r\nBcc: x", "b": "{a}"}) == ("{b} Bcc: x z", "{a}\n")


def test_a_code_without_words_gets_those_of_its_table() -> None:
    words = Words({"outcome": {"granted": "đã cấp", "": "khác"}})
    assert (words.of("outcome", "granted"), words.of("outcome", "??")) == ("đã cấp", "khác")


def test_attributes_and_the_applicant_stay_out_of_webhooks() -> None:
    for fact in FACTS:
        assert not {"attributes", "applicant_version"} & public_data(fact).keys()
