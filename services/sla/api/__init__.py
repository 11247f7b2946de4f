"""The REST surface of sla: clocks, calendars, reports."""

from services.sla.api import calendars, clocks, reports

routers = [clocks.api, calendars.api, reports.api]

__all__ = ["routers"]
