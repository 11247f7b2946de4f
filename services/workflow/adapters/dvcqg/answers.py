"""What the answers of dialect A mean: a closed table by code. Words decide nothing; what is not listed is unknown."""

from collections.abc import Iterable, Mapping

from services.workflow.adapters.port import Answer, Json, Said
from services.workflow.adapters.posting import Answered, scrubbed

ERROR_CODES: Mapping[str, Answer] = {"0": Answer.TAKEN, "-1": Answer.REFUSED}
"""-1 is also what a session that has expired gets: the client renews it and asks once more before it believes a no."""


def meaning(answered: Answered, *told: object) -> Said:
    """Return what an answer says; a yes with an error in its result is none."""
    code = str(answered.body.get("error_code"))
    words = scrubbed(answered.body.get("message"), *told)
    if answered.status != 200:
        return Said(Answer.UNKNOWN, f"HTTP {answered.status}", words)
    answer = ERROR_CODES.get(code, Answer.UNKNOWN)
    if answer is Answer.TAKEN and any("error_code" in row for row in rows(answered)):
        return Said(Answer.UNKNOWN, "error_inside", words)
    return Said(answer, code, words)


def rows(answered: Answered) -> list[Json]:
    """Return the objects in the result."""
    found = answered.body.get("result")
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def total(calls: Iterable[Said]) -> Said:
    """Return what came of a delivery from what came of its calls: none hides another, and a yes needs all of them."""
    every = list(calls)
    by = {said.answer: said for said in reversed(every)}
    if Answer.UNKNOWN in by:
        return by[Answer.UNKNOWN]
    if Answer.NO_EFFECT in by:
        failed = by[Answer.NO_EFFECT]
        in_part = Said(Answer.UNKNOWN, failed.reason_code, f"một phần đã gửi; {failed.message}")
        return in_part if Answer.TAKEN in by else failed
    return by.get(Answer.REFUSED) or (every[0] if every else Said(Answer.TAKEN, "already_there"))
