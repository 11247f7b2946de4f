"""The use cases of sla: lock, decide, write, publish; one function each."""

from services.sla.handlers.again import AGAIN, forget
from services.sla.handlers.agencies import seen_codes
from services.sla.handlers.apologies import ReAppointmentUsed, issue_apology
from services.sla.handlers.apology_paper import print_apology
from services.sla.handlers.attribution import attribute, report_apologies, report_suspensions
from services.sla.handlers.calendars import adopt_newest, change_calendar, see_recalculation, try_out
from services.sla.handlers.clocks import keep_fact, start_clock
from services.sla.handlers.deadlines import work_out_deadline
from services.sla.handlers.entered import OverlappingCount, enter_count
from services.sla.handlers.legs import acknowledge_leg, assign_leg, end_leg, offer_leg
from services.sla.handlers.payments import note_payment
from services.sla.handlers.register import print_register, read_register
from services.sla.handlers.report06 import print_06, read_06
from services.sla.handlers.scorecard_views import list_scores, read_card, read_scores
from services.sla.handlers.scorecards import index_766, score_agencies_or_officers
from services.sla.handlers.shares import list_online, list_saturday, read_online, read_saturday
from services.sla.handlers.suspensions import UnlawfulSuspension, end_suspension, note_refusal, open_suspension
from services.sla.handlers.timers import Complete, fire_timers
from services.sla.handlers.views import explain_clock, read_clock, read_due

__all__ = [
    "AGAIN",
    "Complete",
    "OverlappingCount",
    "ReAppointmentUsed",
    "UnlawfulSuspension",
    "acknowledge_leg",
    "adopt_newest",
    "assign_leg",
    "attribute",
    "change_calendar",
    "end_leg",
    "end_suspension",
    "enter_count",
    "explain_clock",
    "fire_timers",
    "forget",
    "index_766",
    "issue_apology",
    "keep_fact",
    "list_online",
    "list_saturday",
    "list_scores",
    "note_payment",
    "note_refusal",
    "offer_leg",
    "open_suspension",
    "print_06",
    "print_apology",
    "print_register",
    "read_06",
    "read_card",
    "read_clock",
    "read_due",
    "read_online",
    "read_register",
    "read_saturday",
    "read_scores",
    "report_apologies",
    "report_suspensions",
    "score_agencies_or_officers",
    "see_recalculation",
    "seen_codes",
    "start_clock",
    "try_out",
    "work_out_deadline",
]
