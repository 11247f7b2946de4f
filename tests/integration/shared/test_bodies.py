"""Text that no database column can hold gets a clear answer from a real service, wherever and however it is written."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from shared.reference import read_folder, store
from tests.support import PROVINCE, Databases, Issuer, World, world

SUBMISSION: dict[str, Any] = {
    "procedure_code": "DD.01",
    "channel": "online",
    "receiving_unit_code": "H99.01",
    "applicant": {"kind": "citizen", "full_name": "Nguyễn Văn Thử", "phone": "0900000001"},
    "result_delivery": "electronic",
    "attributes": {"transfer_kind": "gift", "parcel_no": "1", "map_sheet_no": "2", "area_m2": 100.5},
    "components": [{"code": code, "n_copies": 1} for code in ("DON-11", "HOP-DONG", "GCN")],
}


@pytest.fixture(scope="module")
async def intake(databases: Databases, issuer: Issuer) -> AsyncIterator[World]:
    """Intake alone; what the others own is put in as replicas."""
    async with world(databases, issuer, services=("intake",), role="api") as running:
        service = running.service("intake")
        async with service.sessions.begin() as session:
            for kind, folder in (("agency", "agencies"), ("calendar", "calendars")):
                for data in read_folder(PROVINCE / folder):
                    await store(session, (kind, data["code"], data["version"]), data, owned=False)
        await service.references.refresh()
        yield running


def with_parcel(parcel_no: str) -> str:
    return json.dumps({**SUBMISSION, "attributes": {**SUBMISSION["attributes"], "parcel_no": parcel_no}})


BODIES = {
    "a surrogate that stands alone": with_parcel("\ud800").encode(),
    "a NUL in UTF-16": with_parcel("a\0b").encode("utf-16"),
    "a NUL in UTF-32": with_parcel("a\0b").encode("utf-32"),
    "deeper than can be read": b"[" * 100_000,
}


@pytest.mark.parametrize("name", BODIES)
async def test_text_that_can_not_be_stored_is_refused(intake: World, name: str) -> None:
    headers = {"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}
    token = intake.issuer.token("portal")
    answer = await intake.call("intake", "POST", "/v1/dossiers", token=token, content=BODIES[name], headers=headers)
    assert answer.status_code in {400, 422}, answer.text


async def test_a_code_with_a_nul_is_unknown_to_the_public(intake: World) -> None:
    answer = await intake.call("intake", "GET", "/v1/track/%00")
    assert answer.status_code in {404, 422}, answer.text
