"""The REST surface of sla: clocks and what they run by, reports."""

from services.sla.api import clocks, reports

routers = [clocks.api, reports.api]

__all__ = ["routers"]
