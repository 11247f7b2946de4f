"""Reception over REST: submit, accept, and everything that must be refused without a trace."""

from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest

from shared.reference import read_folder, store
from tests.support import PROVINCE, Databases, Issuer, World, world

UNIT = "H99.01"


@pytest.fixture
async def intake(databases: Databases, issuer: Issuer) -> AsyncIterator[World]:
    async with world(databases, issuer, services=("intake",), role="api") as running:
        service = running.service("intake")
        async with service.sessions.begin() as session:
            for kind, folder in (("agency", "agencies"), ("calendar", "calendars")):
                for data in read_folder(PROVINCE / folder):
                    await store(session, (kind, data["code"], data["version"]), data, owned=False)
        await service.references.refresh()
        yield running


def submission(**changes: object) -> dict[str, object]:
    return {
        "procedure_code": "DD.01",
        "channel": "online",
        "receiving_unit_code": UNIT,
        "applicant": {"kind": "citizen", "full_name": "Nguyễn Văn Thử", "phone": "0900000001"},
        "result_delivery": "electronic",
        "attributes": {"transfer_kind": "gift", "parcel_no": "1", "map_sheet_no": "2", "area_m2": 100.5},
        "components": [{"code": code, "n_copies": 1} for code in ("DON-11", "HOP-DONG", "GCN")],
        **changes,
    }


async def submit(intake: World, **changes: object) -> httpx.Response:
    token = intake.issuer.token("portal")
    headers = {"Idempotency-Key": str(uuid4())}
    return await intake.call("intake", "POST", "/v1/dossiers", token=token, json=submission(**changes), headers=headers)


async def test_a_submitted_dossier_is_accepted_with_a_code_and_an_appointment(intake: World) -> None:
    made = await submit(intake)
    assert made.status_code == 201, made.text
    dossier = made.json()
    officer = intake.issuer.token("officer", agency=UNIT)
    path = f"/v1/dossiers/{dossier['id']}"
    done = await intake.call(
        "intake", "POST", f"{path}/accept", token=officer, headers={"If-Match": made.headers["ETag"]}
    )
    assert done.status_code == 200, done.text
    assert done.json()["status"] == "accepted"
    assert done.json()["code"].startswith("H99.01-")
    again = await intake.call("intake", "POST", f"{path}/accept", token=officer, headers={"If-Match": '"1"'})
    assert (again.status_code, again.json()["code"]) == (409, "already_done")
    seen = await intake.call("intake", "GET", path, token=officer)
    assert seen.json() == done.json()
