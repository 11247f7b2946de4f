"""The REST surface of sla: clocks, calendars."""

from services.sla.api import calendars, clocks

routers = [clocks.api, calendars.api]

__all__ = ["routers"]
