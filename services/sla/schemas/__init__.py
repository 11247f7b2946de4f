"""Request and response bodies of sla: clocks, calendars, reports, scorecards."""
