"""What the tests of translation tables are made of: deliveries and callbacks."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from services.workflow.adapters.port import Told

CODE = "H99.01-261119-0001"
PEOPLE: dict[str, Any] = {
    "applicant": {"full_name": "Nguyễn Văn Thử", "identity_number": "000000000000", "phone": None, "kind": "citizen"},
    "submitter": None,
    "parties": [],
    "private_attributes": {"parcel_no": "1", "map_sheet_no": "2", "area_m2": 100.5},
}
PICTURE = {
    "code": CODE,
    "procedure_code": "DD.01",
    "receiving_unit_code": "H99.01",
    "accepted_at": "2026-11-19T08:00:00+07:00",
    "appointment_at": "2026-12-01T10:00:00Z",
    "attributes": {"transfer_kind": "gift"},
}


def told(fact: str, *, no: int = 1, is_repeat: bool = False, **data: Any) -> Told:
    """Return a delivery; ``dossier`` among *data* changes the picture."""

    async def people() -> Mapping[str, Any]:
        return PEOPLE

    picture = {**PICTURE, **data.pop("dossier", {})}
    at = datetime(2026, 11, 20, 2, tzinfo=UTC)
    return Told("id", "dossier-id", no, fact, at, data, picture, people, is_repeat, is_first=no == 1)
