"""How complete the data of a report are: what waits, what stands still, what the calendar does not know yet."""

from collections.abc import Iterator
from datetime import date

from services.sla import repository
from services.sla.domain.wording import moment
from services.sla.handlers.terms import references
from services.sla.schemas.reports import CompletenessRead
from shared.session import Session
from shared.worktime import Calendar


async def complete(session: Session, to_on: date) -> CompletenessRead:
    """Return what the figures of a period until *to_on* may lack now."""
    waiting = await repository.completeness(session)
    calendars: list[Calendar] = [one for _, _, one in references(session).all_of("calendar")]
    newest = {calendar.data.code: calendar.data.provisional_from for calendar in calendars}  # versions come in order
    undecided = [day for day in newest.values() if day is not None and day <= to_on]
    return CompletenessRead(**waiting._asdict(), provisional_from=min(undecided, default=None))


def sentences(found: CompletenessRead) -> Iterator[str]:
    """Say it as a note under a report."""
    if found.oldest_at is not None:
        yield (
            f"Tại thời điểm lập: {found.n_held} hồ sơ còn chờ sự kiện từ hệ thống khác, {found.n_parked} hồ sơ "
            f"chờ người xử lý, lâu nhất từ {moment(found.oldest_at)}; số liệu của các hồ sơ này có thể chưa đầy đủ."
        )
    if found.provisional_from is not None:
        yield (
            f"Lịch nghỉ từ ngày {found.provisional_from:%d/%m/%Y} chưa có quyết định chính thức; "
            "hạn trả tính theo lịch dự kiến."
        )
