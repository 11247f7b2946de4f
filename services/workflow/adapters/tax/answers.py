"""What technical answers mean: a closed table by ERROR_CODE. Words can cast doubt on a yes, they never make one."""

from collections.abc import Mapping

from services.workflow.adapters.port import Answer, Json, Said
from services.workflow.adapters.posting import Answered, scrubbed

REPEATED, NOT_KNOWN = "02", "03"
ERROR_CODES: Mapping[str, Answer] = {
    "0": Answer.TAKEN,
    "01": Answer.REFUSED,
    REPEATED: Answer.TAKEN,
    NOT_KNOWN: Answer.REFUSED,
}
"""02: this SEQ_ID, or the voucher of this notice and instant, is here already. Both are the delivery's own, so it is
the proof that an earlier try of it took effect."""
WORDS_OF_A_YES = frozenset({"", "Thành công"})
"""The answer to a voucher refers to nothing: with any other words its 0 is doubtful, and the repeat will tell (02)."""


def of_slip(answered: Answered, seq_id: str, *told: object) -> Said:
    """Return what the answer to message *seq_id* says: a yes has to refer to it."""
    said = _by_code(answered, *told)
    if said.answer is Answer.TAKEN and answered.body.get("SEQ_REFID") != seq_id:
        return Said(Answer.UNKNOWN, "no_reference", said.message)
    return said


def of_voucher(answered: Answered) -> Said:
    """Return what the answer to a voucher says."""
    said = _by_code(answered)
    is_first = said.answer is Answer.TAKEN and said.reason_code != REPEATED
    if is_first and str(answered.body.get("ERROR_DESC") or "") not in WORDS_OF_A_YES:
        return Said(Answer.UNKNOWN, "doubtful_yes", said.message)
    return said


def of_query(answered: Answered, seq_id: str) -> Json | Said:
    """Return the BODY of an answer to a query; Said if it says no, or nothing that is understood."""
    said = of_slip(answered, seq_id)
    body = answered.body.get("BODY")
    if said.answer is Answer.TAKEN and said.reason_code != REPEATED and isinstance(body, dict):
        return body
    return said if said.answer is Answer.REFUSED else Said(Answer.UNKNOWN, said.reason_code, said.message)


def _by_code(answered: Answered, *told: object) -> Said:
    code, words = str(answered.body.get("ERROR_CODE")), scrubbed(answered.body.get("ERROR_DESC"), *told)
    if answered.status != 200:
        return Said(Answer.UNKNOWN, f"HTTP {answered.status}", words)
    return Said(ERROR_CODES.get(code, Answer.UNKNOWN), code, words)
