"""A clock in Vietnamese, sentence by sentence, as a clerk would read it out."""

from datetime import datetime

from services.sla.domain.clock import ClockState, Move, Status, Verdict
from services.sla.domain.facts import CalendarAdopted
from services.sla.domain.reading import Suspension
from shared.worktime import TO_BE_CONFIRMED, Limit, Unit
from shared.worktime.calendar import LOCAL

UNITS: dict[Unit, str] = {
    Unit.WORKING_DAYS: "ngày làm việc",
    Unit.WORKING_HOURS: "giờ làm việc",
    Unit.CALENDAR_DAYS: "ngày",
    Unit.HOURS: "giờ",
}
VERDICTS: dict[Verdict, str] = {
    Verdict.EARLY: "trước hạn",
    Verdict.ON_TIME: "đúng hạn",
    Verdict.LATE: "quá hạn",
}


def limit_text(limit: Limit) -> str:
    """Return a limit in words, ``8 ngày làm việc``; the decimal mark is a comma."""
    amount = format(limit.amount.normalize(), "f").replace(".", ",")
    return f"{amount} {UNITS[limit.unit]}"


def moment(instant: datetime) -> str:
    """Return an instant as form 01 states it."""
    return f"{instant.astimezone(LOCAL):%H:%M ngày %d/%m/%Y}"


def tell(state: ClockState, limit: Limit, judged: Verdict | None) -> list[str]:
    """Return the life of a clock in sentences: the limit, every span that does not count, every move, the end."""
    return [
        f"Thời hạn giải quyết: {limit_text(limit)}.",
        f"Tiếp nhận lúc {moment(state.started_at)}; hạn trả ban đầu: {moment(state.first_deadline_at)}.",
        *(_suspension(suspension) for suspension in state.suspensions),
        *(told for _, told in sorted([*map(_move, state.moves), *map(_adopted, state.adopted), *_promise(state)])),
        _present(state, judged),
    ]


def _law(citation: str) -> str:
    return f" [{citation.replace(TO_BE_CONFIRMED, 'căn cứ chờ xác nhận')}]" if citation else ""


def _suspension(suspension: Suspension) -> str:
    ground = suspension.ground
    until = f"đến {moment(suspension.to_at)}" if suspension.to_at else "đến nay"
    effect = "thời hạn tính lại từ đầu khi kết thúc" if ground.restarts else "không tính vào thời hạn"
    return f"Từ {moment(suspension.from_at)} {until}: {ground.name or ground.code}, {effect}{_law(ground.citation)}."


def _move(move: Move) -> tuple[datetime, str]:
    told = f"Hạn trả chuyển từ {moment(move.from_at)} sang {moment(move.to_at)}{_law(move.citation)}."
    return move.at, told


def _adopted(adopted: CalendarAdopted) -> tuple[datetime, str]:
    told = f"Từ {moment(adopted.at)} tính theo lịch làm việc phiên bản {adopted.version}{_law(adopted.document)}."
    return adopted.at, told


def _promise(state: ClockState) -> list[tuple[datetime, str]]:
    """Say what an apology promised."""
    if (promise := state.reappointed) is None:
        return []
    until = f"xin lỗi và hẹn lại một lần, đến {moment(promise.deadline_at)}"
    return [(promise.at, f"Lúc {moment(promise.at)} cơ quan giải quyết {until}; hạn theo quy định không đổi.")]


def _present(state: ClockState, judged: Verdict | None) -> str:
    if state.finished_at is not None and judged is not None:
        return f"Giải quyết xong lúc {moment(state.finished_at)}: {VERDICTS[judged]}."
    if state.status is Status.SUSPENDED:
        return "Thời hạn đang được tạm dừng tính theo căn cứ trên nên chưa có hạn trả."
    if state.promised_deadline_at > state.standing_deadline_at:
        kept = moment(state.standing_deadline_at)
        return f"Ngày hẹn trả hiện nay: {moment(state.promised_deadline_at)} (hạn theo quy định: {kept})."
    return f"Hạn trả hiện nay: {moment(state.standing_deadline_at)}."
