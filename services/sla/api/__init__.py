"""The REST surface of sla: clocks and what they run by, reports."""

from services.sla.api import clocks

routers = [clocks.api]

__all__ = ["routers"]
