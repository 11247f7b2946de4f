"""The use cases of sla: lock, decide, write, publish; one function each."""

from services.sla.handlers.again import AGAIN, forget
from services.sla.handlers.apologies import ReAppointmentUsed, issue_apology
from services.sla.handlers.apology_paper import print_apology
from services.sla.handlers.attribution import attribute, report_apologies, report_suspensions
from services.sla.handlers.calendars import adopt_newest, change_calendar, see_recalculation, try_out
from services.sla.handlers.clocks import keep_fact, start_clock
from services.sla.handlers.deadlines import work_out_deadline
from services.sla.handlers.legs import acknowledge_leg, end_leg, offer_leg
from services.sla.handlers.register import print_register, read_register
from services.sla.handlers.report06 import print_06, read_06
from services.sla.handlers.suspensions import UnlawfulSuspension, end_suspension, note_refusal, open_suspension
from services.sla.handlers.timers import Complete, fire_timers
from services.sla.handlers.views import explain_clock, read_clock, read_due

__all__ = [
    "AGAIN",
    "Complete",
    "ReAppointmentUsed",
    "UnlawfulSuspension",
    "acknowledge_leg",
    "adopt_newest",
    "attribute",
    "change_calendar",
    "end_leg",
    "end_suspension",
    "explain_clock",
    "fire_timers",
    "forget",
    "issue_apology",
    "keep_fact",
    "note_refusal",
    "offer_leg",
    "open_suspension",
    "print_06",
    "print_apology",
    "print_register",
    "read_06",
    "read_clock",
    "read_due",
    "read_register",
    "report_apologies",
    "report_suspensions",
    "see_recalculation",
    "start_clock",
    "try_out",
    "work_out_deadline",
]
