"""Intake's appointment and the clock's first deadline agree to the minute."""

import random
from datetime import UTC, datetime, timedelta

import uuid_utils.compat as uuids

from shared import worktime
from shared.events.base import Limit
from shared.events.intake import DossierAccepted, DossierSubmitted
from shared.service import Service
from shared.timeline import Draft, Event, record
from tests.integration.sla.rows import clock
from tests.integration.sla.story import UNIT, tell
from tests.simulation.memory import MemoryHead

N_DOSSIERS, SEED = 2_000, 20_260_302
LIMITS = [(8, "working_days"), (10, "working_days"), (0.5, "working_days"), (0, "working_days"), (30, "calendar_days"),
          (4, "working_hours"), (24, "hours")]  # fmt: skip


def acceptance(sla: Service, chance: random.Random) -> tuple[datetime, list[Event]]:
    """Return the appointment as services/intake/handlers/reception.py works it out, and the events that carry it."""
    at = datetime(2019, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(7 * 365 * 86_400))
    amount, unit = chance.choice(LIMITS)
    limit = Limit(amount=amount, unit=unit)
    calendar: worktime.Calendar = sla.references.latest("calendar", chance.choice(["VN", "VN-T7"]))
    appointment = worktime.due_at(at, worktime.Limit.model_validate(limit.model_dump()), calendar).due_at
    common = {
        "procedure": "DD.01@3", "field_code": "dat-dai", "channel": "counter", "receiving_unit_code": UNIT,
        "applicant_kind": "citizen", "result_delivery": "counter",
    }  # fmt: skip
    facts = [
        DossierSubmitted.model_validate({**common, "applicant_version": 1}),
        DossierAccepted.model_validate(
            {**common, "code": "X", "calendar": calendar.reference, "limit": limit, "appointment_at": appointment}
        ),
    ]
    head = MemoryHead(uuids.uuid7())
    drafts = [Draft(uuids.uuid7(), fact.type_name(), fact.encode()) for fact in facts]
    return appointment, [record("intake", head, draft, at) for draft in drafts]


async def test_the_appointment_is_the_first_deadline_for_two_thousand_dossiers(sla: Service) -> None:
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    accepted = [acceptance(sla, chance) for _ in range(N_DOSSIERS)]
    for first in range(0, N_DOSSIERS, 250):
        await tell(sla, [event for _, events in accepted[first : first + 250] for event in events])
    for appointment, events in accepted:
        assert (await clock(sla, events[0].dossier_id)).first_deadline_at == appointment
