"""What commands on a dossier have in common: it is locked and taken to its next state, and the reason is kept."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from services.intake import repository
from services.intake.domain import Action, Status, next_status
from services.intake.models import Decision, Dossier
from services.intake.schemas import Reason
from shared.auth import Principal
from shared.outbox import now
from shared.session import Session
from shared.tables import HeadRow
from shared.web import require_version


@dataclass(frozen=True, slots=True)
class Call:
    """A command on a dossier: which one, the version the caller has seen, and who calls."""

    dossier_id: UUID
    seen: int
    by: Principal


async def open_dossier(session: Session, call: Call, action: Action) -> tuple[HeadRow, Dossier]:
    """Lock a dossier and take it to the state after *action*: state first, then the version the caller saw."""
    head, dossier = await repository.lock_dossier(session, call.dossier_id, call.by)
    following = next_status(Status(dossier.status), action, Status(dossier.status_before or "submitted"))
    require_version(call.seen, dossier.version)
    move(dossier, following)
    return head, dossier


def move(dossier: Dossier, following: Status) -> None:
    """Take the dossier to a state; whoever saw it before has to read it again."""
    dossier.status = following
    dossier.version += 1


def end(session: Session, dossier: Dossier, action: Action, why: Reason, by: Principal) -> None:
    """Note that the dossier ended, and why."""
    dossier.ended_at = now(session)
    decide(session, dossier, action, why, by)


def decide(session: Session, dossier: Dossier, action: Action, why: Reason, by: Principal) -> None:
    """Keep the words of a decision."""
    session.add(
        Decision(
            id=uuid4(), dossier_id=dossier.id, action=action, reason_code=why.reason_code, note=why.note,
            decided_by=by.subject, decided_at=now(session),
        )
    )  # fmt: skip
