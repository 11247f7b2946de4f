"""Days and instants that sla is asked about: of the years that a calendar may cover."""

from datetime import datetime, time, timedelta
from typing import Annotated

from pydantic import AwareDatetime, Field

from shared.web import RFC_3339
from shared.worktime import FIRST_DAY, LAST_DAY, LOCAL, CoveredDay

_FROM, _UNTIL = (datetime.combine(day, time(), LOCAL) for day in (FIRST_DAY, LAST_DAY + timedelta(days=1)))

KnownDay = Annotated[CoveredDay, RFC_3339]
KnownInstant = Annotated[
    AwareDatetime,
    Field(
        ge=_FROM,
        lt=_UNTIL,
        json_schema_extra={"formatMinimum": _FROM.isoformat(), "formatExclusiveMaximum": _UNTIL.isoformat()},
    ),
    RFC_3339,
]
