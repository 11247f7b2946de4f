"""Text that no database column can hold gets a clear answer from a real service, wherever and however it is written."""

import json
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from tests.integration.intake.test_reception import SUBMISSION, intake_alone
from tests.support import Databases, Issuer, World


@pytest.fixture(scope="module")
async def intake(databases: Databases, issuer: Issuer) -> AsyncIterator[World]:
    async with intake_alone(databases, issuer) as running:
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
