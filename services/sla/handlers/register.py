"""The register of dossiers (form 07): page by page, or whole as a file; it names nobody."""

from collections.abc import Iterable

from services.sla import repository
from services.sla.domain import Ending, Status, Verdict
from services.sla.domain.wording import VERDICTS
from services.sla.handlers.completeness import complete, sentences
from services.sla.handlers.names import Names
from services.sla.handlers.periods import period_of
from services.sla.models import Clock
from services.sla.papers.register import Register, RegisterRow
from services.sla.repository import START, Place
from services.sla.schemas.reports import RegisterAsk, RegisterRowRead
from shared.auth import Principal
from shared.errors import Malformed, wrong_field
from shared.outbox import now
from shared.session import Session

MOST_ROWS = 20_000
"""Of one file: more makes no register that anybody reads, and would keep a worker for seconds."""
TOO_MANY = (f"Quá {MOST_ROWS} hồ sơ, hãy chọn kỳ ngắn hơn", f"More than {MOST_ROWS} dossiers: ask for a shorter period")
STATUS = {Status.RUNNING: "Đang giải quyết", Status.SUSPENDED: "Đang tạm dừng tính thời hạn"}
ENDINGS = {
    Ending.NOT_GRANTED: "Không đủ điều kiện",
    Ending.REFUSED: "Từ chối tiếp nhận",
    Ending.WITHDRAWN: "Công dân rút hồ sơ",
    Ending.STOPPED: "Dừng giải quyết",
}


async def read_register(
    session: Session, ask: RegisterAsk, by: Principal, after: Place
) -> tuple[list[RegisterRowRead], Place | None]:
    """Return a page of the dossiers that were received in a period, and where the next begins; Malformed, Forbidden."""
    clocks = await repository.register(session, period_of(session, ask, by), after, ask.limit + 1)
    names, page = Names(session, ask.from_on, ask.to_on), clocks[: ask.limit]
    following = (page[-1].started_at, page[-1].dossier_id) if len(clocks) > ask.limit else None
    return [_read(names, clock) for clock in page], following


def _read(names: Names, clock: Clock) -> RegisterRowRead:
    return RegisterRowRead(
        dossier_id=clock.dossier_id,
        dossier_code=clock.dossier_code,
        procedure_name=names.procedure(clock.procedure_code, clock.procedure_version),
        receiving_unit=names.agency(clock.receiving_unit_code),
        channel=clock.channel,
        received_at=clock.started_at,
        due_at=clock.announced_deadline_at,
        ended_at=clock.finished_at,
        status=clock.status,
        verdict=clock.verdict,
        holder_name=names.agency(clock.holder_agency_code or ""),
    )


async def print_register(session: Session, ask: RegisterAsk, by: Principal) -> Register:
    """Return the whole register of a period; Malformed if that are too many dossiers, Forbidden."""
    period = period_of(session, ask, by)
    clocks = await repository.register(session, period, START, MOST_ROWS + 1)
    if len(clocks) > MOST_ROWS:
        raise Malformed(extra={"errors": [wrong_field("query/to", "too_many", *TOO_MANY)]})
    names = Names(session, ask.from_on, ask.to_on)
    place = getattr(session.info.get("settings"), "place_name", "")
    return Register(
        unit_name=names.agency(period.unit_codes[0]) if period.unit_codes else place,
        from_on=ask.from_on,
        to_on=ask.to_on,
        known_until=now(session),
        rows=tuple(_printed(names, clocks)),
        notes=tuple(sentences(await complete(session, ask.to_on))),
    )


def _printed(names: Names, clocks: Iterable[Clock]) -> Iterable[RegisterRow]:
    for no, clock in enumerate(clocks, start=1):
        yield RegisterRow(
            no=no,
            dossier_code=clock.dossier_code,
            procedure_name=names.procedure(clock.procedure_code, clock.procedure_version),
            receiving_unit=names.agency(clock.receiving_unit_code),
            received_at=clock.started_at,
            due_at=clock.announced_deadline_at,
            ended_at=clock.finished_at,
            status=VERDICTS[Verdict(clock.verdict)] if clock.verdict else STATUS[Status(clock.status)],
            holder_name=names.agency(clock.holder_agency_code or ""),
            note=ENDINGS.get(Ending(clock.ending), "") if clock.ending else "",
        )
