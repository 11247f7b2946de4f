"""The sandbox's rules that need no server: switches, clock, signatures, forms, the books of the tax office."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from deploy.sandbox.bhxh.calls import Question
from deploy.sandbox.dvcqg.states import read_stamp, stamp
from deploy.sandbox.outside.clock import Clock, iso
from deploy.sandbox.outside.desk import Refusal
from deploy.sandbox.outside.faults import RULES, FaultPlan, Faults, Kind, Switch
from deploy.sandbox.outside.forms import read
from deploy.sandbox.outside.signing import TOLERANCE_SECONDS, is_signed, sign
from deploy.sandbox.outside.storage import Dossier
from deploy.sandbox.tax.book import notices_of, slip_of, totals
from deploy.sandbox.vbdlis.forms import Return, without_files
from deploy.sandbox.vbdlis.states import BACK, MOVING, NEXT, OFFICERS, STATES, STEP_CODES


def armed(*switches: dict[str, Any], seed: int = 1) -> Faults:
    faults = Faults(Clock(), ("a", "b"), ("X", "Y"))
    faults.arm(FaultPlan.model_validate({"seed": seed, "switches": switches}))
    return faults


def strikes(faults: Faults, kind: Kind, names: str) -> list[bool]:
    """Ask for calls by small letters, for callbacks by capitals."""
    return [faults.strikes(kind, name, is_callback=name.isupper()) is not None for name in names]


def test_a_counted_switch_strikes_that_often_and_only_what_it_names() -> None:
    faults = armed({"kind": "bad_gateway", "next_calls": 2, "calls": ["a"]})
    assert strikes(faults, Kind.BAD_GATEWAY, "baabaa") == [False, True, True, False, False, False]
    assert strikes(faults, Kind.DELAY, "a") == [False]


def test_a_switch_of_one_direction_never_reaches_the_other_unnamed() -> None:
    faults = armed({"kind": "delay", "probability": 1}, {"kind": "duplicate_callback", "probability": 1})
    assert strikes(faults, Kind.DELAY, "abXY") == [True, True, False, False]
    assert strikes(faults, Kind.DUPLICATE, "abXY") == [False, False, True, True]
    named = armed({"kind": "delay", "probability": 1, "calls": ["X"]})
    assert strikes(named, Kind.DELAY, "abXY") == [False, False, True, False]


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_chance_is_about_as_frequent_as_it_says_and_repeats_with_its_seed(probability: float) -> None:
    switch = {"kind": "bad_gateway", "probability": probability}
    first, again, other = (strikes(armed(switch, seed=seed), Kind.BAD_GATEWAY, "a" * 2_000) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert abs(sum(first) / 2_000 - probability) < 0.05


def test_two_switches_of_one_plan_draw_apart() -> None:
    faults = armed(*({"kind": "bad_gateway", "probability": 0.5, "calls": [name]} for name in "ab"))
    assert strikes(faults, Kind.BAD_GATEWAY, "a" * 50) != strikes(faults, Kind.BAD_GATEWAY, "b" * 50)


def test_down_strikes_whatever_is_called_until_its_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = armed({"kind": "down", "seconds": 3_600})
    assert strikes(faults, Kind.DOWN, "ab?") == [True, True, True]
    assert faults.is_down()
    later = time.time() + 3_601
    monkeypatch.setattr(time, "time", lambda: later)
    assert strikes(faults, Kind.DOWN, "ab?") == [False, False, False]
    assert not faults.is_down()


def test_down_for_some_calls_is_not_down() -> None:
    faults = armed({"kind": "down", "seconds": 3_600, "calls": ["a"]})
    assert strikes(faults, Kind.DOWN, "ab") == [True, False]
    assert not faults.is_down()


def test_a_new_plan_replaces_the_old_one_and_sets_the_clock_right() -> None:
    faults = armed({"kind": "clock", "seconds": -300}, {"kind": "delay", "probability": 1})
    assert faults.clock.error == timedelta(minutes=-5)
    faults.arm(FaultPlan(switches=[]))
    assert faults.clock.error == timedelta()
    assert strikes(faults, Kind.DELAY, "a") == [False]


def test_a_plan_with_one_bad_name_turns_nothing_on() -> None:
    faults = armed()
    bad = FaultPlan.model_validate(
        {"switches": [{"kind": "clock", "seconds": 300}, {"kind": "delay", "next_calls": 1, "calls": ["z"]}]}
    )
    with pytest.raises(ValueError, match="delay: does not apply to z; known: a, b, X, Y"):
        faults.arm(bad)
    assert (faults.armed, faults.clock.error) == ([], timedelta())


def test_every_kind_has_a_rule_and_can_be_armed() -> None:
    assert set(RULES) == set(Kind)
    for kind, rule in RULES.items():
        given: dict[str, Any] = {"next_calls": 1} if rule.counted else {"seconds": 1}
        switch = Switch.model_validate({"kind": kind, **given})
        assert (switch.seconds is None) == (rule.seconds is None)


def test_a_clock_runs_from_its_start_at_its_speed_and_not_before() -> None:
    now = datetime.now(UTC)
    fast = Clock.read(f"2030-01-01T00:00:00+00:00@{(now - timedelta(seconds=10)).isoformat()}x3600")
    assert timedelta() <= fast.true() - datetime(2030, 1, 1, 10, tzinfo=UTC) < timedelta(hours=5)
    waiting = Clock.read(f"2030-01-01T00:00:00+00:00@{(now + timedelta(hours=1)).isoformat()}x3600")
    assert waiting.true() == datetime(2030, 1, 1, tzinfo=UTC)
    waiting.error = timedelta(minutes=5)
    assert waiting.now() == datetime(2030, 1, 1, 0, 5, tzinfo=UTC)
    assert abs(Clock.read("").now() - now) < timedelta(seconds=5)


def test_instants_are_written_in_utc_with_milliseconds() -> None:
    assert iso(datetime.fromisoformat("2026-12-01T17:00:00+07:00")) == "2026-12-01T10:00:00.000Z"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20261201170000", "2026-12-01T10:00:00.000Z"),
        ("2026-12-01", "2026-11-30T17:00:00.000Z"),
        ("2026-12-01T17:00:00", "2026-12-01T10:00:00.000Z"),
        ("2026-12-01T17:00:00Z", "2026-12-01T17:00:00.000Z"),
    ],
)
def test_the_portal_reads_its_instants_as_hanoi_time(text: str, expected: str) -> None:
    assert iso(read_stamp(text)) == expected
    assert iso(read_stamp(stamp(read_stamp(text)))) == expected


@pytest.mark.parametrize("text", ["", "20261", "20261301000000", "2026-13-01", "ngày mai"])
def test_what_is_no_instant_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_stamp(text)


def test_a_signature_holds_for_its_secret_its_body_and_its_time() -> None:
    body = b'{"a":1}'
    headers = sign("a-secret", body)
    assert is_signed("a-secret", headers, body)
    assert not is_signed("b-secret", headers, body)
    assert not is_signed("a-secret", headers, body + b" ")
    assert not is_signed("a-secret", {}, body)
    moved = {**headers, "x-sandbox-timestamp": str(int(headers["x-sandbox-timestamp"]) + 1)}
    assert not is_signed("a-secret", moved, body)


@pytest.mark.parametrize(("minutes", "holds"), [(5, True), (-5, True), (11, False), (-11, False)])
def test_a_clock_that_is_wrong_by_five_minutes_still_signs(minutes: int, holds: bool) -> None:
    assert timedelta(minutes=5) < timedelta(seconds=TOLERANCE_SECONDS) < timedelta(minutes=11)
    assert is_signed("a-secret", sign("a-secret", b"x", timedelta(minutes=minutes)), b"x") == holds


def test_a_refusal_names_the_fields_that_are_wrong() -> None:
    with pytest.raises(Refusal, match=r"NgayTra: .*offset.*; Ngay: Extra inputs"):
        read(Return, {"SoBienNhan": "x", "NgayTra": "2026-12-01T10:00:00", "Ngay": 1})


@pytest.mark.parametrize("wrong", [{}, {"SoHoSo": "1/2026/1"}, {"SoHoSo": "99001/2026/00001", "MaHoSoMotCua": "x"}])
def test_social_insurance_wants_one_well_formed_number(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Question.model_validate(wrong)


def test_files_are_reduced_wherever_they_stand() -> None:
    said = {"a": [{"TapTin": {"name": "x", "data": "YQ=="}}], "b": {"name": "y", "data": "!"}, "c": {"name": "z"}}
    kept = without_files(said)
    assert (kept["a"][0]["TapTin"]["n_bytes"], kept["b"]["n_bytes"], kept["c"]) == (1, 1, {"name": "z"})
    assert "data" not in kept["b"]


def owing() -> Dossier:
    def notice(number: str, amount: int) -> dict[str, Any]:
        return {"SO_QUYET_DINH": number, "SO_TIEN": amount}

    slips = [
        {"SEQ_ID": "S1", "LIST": [notice("1", 100), notice("2", 50)], "TONG_MIEN_GIAM": 10},
        {"SEQ_ID": "S2", "LIST": [notice("3", 7)], "TONG_MIEN_GIAM": 0},
    ]
    payments = [{"MaThongBaoThue": "1", "SoTien": 60}, {"MaThongBaoThue": "void", "SoTien": 1_000}]
    return Dossier("x", "determined", {"slips": slips, "payments": payments})


def test_what_is_owed_is_counted_over_all_slips_or_one() -> None:
    dossier = owing()
    every, second = totals(dossier), totals(dossier, slip_of(dossier, "S2"))
    names = ("TONG_PHAI_NOP", "TONG_MIEN_GIAM", "TONG_DA_NOP", "TONG_CON_PNOP")
    assert [every[name] for name in names] == [157, 10, 60, 87]
    assert [second[name] for name in names] == [7, 0, 0, 7]
    assert len(notices_of(dossier)) == 3
    assert (slip_of(dossier, None) or {})["SEQ_ID"] == "S2"
    assert slip_of(dossier, "S3") is None


def test_every_step_of_vbdlis_leads_to_the_end_and_has_a_name_an_officer_and_a_code() -> None:
    for begun in NEXT:
        state, seen = begun, [begun]
        while state in NEXT:
            state = NEXT[state]
            seen.append(state)
        assert (state, len(seen)) == ("signing", len(set(seen)))
    assert set(NEXT) | {"signing"} == MOVING <= set(STATES)
    assert set(OFFICERS) >= MOVING
    assert set(STEP_CODES) >= set(NEXT.values()) | set(BACK.values())
