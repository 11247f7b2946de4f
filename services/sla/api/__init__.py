"""The REST surface of sla: clocks, calendars, reports, scorecards."""

from services.sla.api import calendars, clocks, reports, scorecards

routers = [clocks.api, calendars.api, reports.api, scorecards.api]

__all__ = ["routers"]
