"""The use cases of intake: lock, decide, write, publish; one function each."""

from services.intake.handlers.again import AGAIN, LOST
from services.intake.handlers.ends import post_result, reopen_dossier, return_result, stop_dossier, withdraw_dossier
from services.intake.handlers.facts import copy_appointment, resolve_dossier, start_processing
from services.intake.handlers.payment import record_payment, request_payment, take_tax_notice, void_notices
from services.intake.handlers.people import change_applicant, read_applicant
from services.intake.handlers.reception import accept_dossier, refuse_dossier
from services.intake.handlers.submission import submit_dossier
from services.intake.handlers.supplement import request_supplement, supplement_dossier
from services.intake.handlers.transitions import Call

__all__ = [
    "AGAIN",
    "LOST",
    "Call",
    "accept_dossier",
    "change_applicant",
    "copy_appointment",
    "post_result",
    "read_applicant",
    "record_payment",
    "refuse_dossier",
    "reopen_dossier",
    "request_payment",
    "request_supplement",
    "resolve_dossier",
    "return_result",
    "start_processing",
    "stop_dossier",
    "submit_dossier",
    "supplement_dossier",
    "take_tax_notice",
    "void_notices",
    "withdraw_dossier",
]
