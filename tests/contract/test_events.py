"""The timeline's contract: CloudEvents by an independent judge, schemas, and a corpus that must parse for ever."""

import json
from pathlib import Path

import jsonschema
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event

from deploy.publish import headers, schema
from shared.events import FACTS
from shared.events.base import Fact
from shared.events.envelope import ReplayedEvent, Undecodable, from_message, to_headers
from shared.timeline import chain_over, format_chain, format_time
from tests.contract.golden import GOLDEN, SAMPLES, message_of, read

ids = [fact.type_name() for fact in SAMPLES]


def test_every_type_has_a_golden_message() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} >= set(FACTS)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_what_was_ever_shipped_still_parses(path: Path) -> None:
    event = read(path)
    assert event.type in FACTS, "a shipped type disappeared"
    assert FACTS[event.type].model_validate_json(event.data).source == event.source
    if event.source == "intake":
        assert chain_over(0, event) == event.chain


@pytest.mark.parametrize("fact", SAMPLES, ids=ids)
def test_an_independent_sdk_reads_our_messages_as_cloudevents(fact: Fact) -> None:
    event = message_of(fact)
    message = KafkaMessage(dict(to_headers(event)), str(event.dossier_id), event.data)
    judged = from_binary_event(message)
    assert judged.get_specversion() == "1.0"
    assert judged.get_id() == str(event.id)
    assert judged.get_source() == f"/lienthong/{fact.source}"
    assert judged.get_type() == fact.type_name()
    assert judged.get_subject() == str(event.dossier_id)
    assert judged.get_time() == event.time
    assert judged.get_data() == json.loads(event.data)
    assert judged.get_extension("chain") == format_chain(event.chain)


@pytest.mark.parametrize("fact", SAMPLES, ids=ids)
def test_messages_fit_their_published_schemas(fact: Fact) -> None:
    event = message_of(fact)
    jsonschema.validate(json.loads(event.data), schema(type(fact)))
    jsonschema.validate({name: value.decode() for name, value in to_headers(event)}, headers())


@pytest.mark.parametrize("fact", SAMPLES, ids=ids)
def test_an_event_survives_the_wire_and_the_replay_byte_for_byte(fact: Fact) -> None:
    event = message_of(fact)
    assert from_message(to_headers(event), event.data) == event
    assert ReplayedEvent.model_validate_json(ReplayedEvent.of(event).model_dump_json()).event() == event


def test_unknown_fields_of_newer_writers_are_ignored() -> None:
    for fact in SAMPLES:
        newer = {**json.loads(fact.encode()), "added_later": 1}
        assert type(fact).model_validate(newer) == fact


@pytest.mark.parametrize("spoilt", ["ce_id", "ce_subject", "ce_source", "ce_dossierseq", "ce_chain", "ce_time"])
def test_a_message_without_an_attribute_is_undecodable_and_nothing_else(spoilt: str) -> None:
    event = message_of(SAMPLES[0])
    left = [(name, value) for name, value in to_headers(event) if name != spoilt]
    with pytest.raises(Undecodable):
        from_message(left, event.data)
    with pytest.raises(Undecodable):
        from_message([*left, (spoilt, b"\xff\xfe")], event.data)


def test_one_instant_has_one_text() -> None:
    assert format_time(message_of(SAMPLES[0]).time) == "2026-08-03T01:30:00.000000Z"
