"""What a dossier has to have before a system can be handed it."""

from services.workflow.adapters.port import Answer, Json, Said, Told

CODE, ACCEPTED_AT, APPOINTMENT_AT = "code", "accepted_at", "appointment_at"


def lacking(told: Told, *names: str) -> Said | None:
    """Return a refusal if the picture lacks what a call needs: nothing is invented to fill a form."""
    missing = [name for name in names if not told.dossier.get(name)]
    return Said(Answer.REFUSED, "incomplete", f"Thiếu {', '.join(missing)}") if missing else None


def no_call(told: Told, system_name: str) -> Said:
    """Return the refusal of a fact for which the system has no call: a person sees it, nothing was sent."""
    return Said(Answer.REFUSED, "no_call", f"{system_name} không có lệnh nào cho {told.fact}; chưa gửi gì")


def supplement_note(told: Told) -> str:
    """Return the words by which a supplement is known again at the system that got it."""
    return f"Một cửa chuyển bổ sung theo phiếu số {told.data['request_no']}"


def filled(**fields: object) -> Json:
    """Return the fields that have a value."""
    return {name: value for name, value in fields.items() if value not in (None, "")}
