"""The people of a dossier: versions that never change, and whoever reads one is recorded."""

from typing import Any
from uuid import UUID, uuid4

from services.intake import repository
from services.intake.domain import Action
from services.intake.handlers.transitions import Call, open_dossier
from services.intake.models import Applicant, ApplicantLook, Dossier
from services.intake.schemas import People
from shared.auth import Principal
from shared.errors import Malformed, wrong_field
from shared.events.intake import ApplicantChanged
from shared.outbox import publish
from shared.session import Session


def add_people(session: Session, dossier: Dossier, given: People, private_attributes: dict[str, Any]) -> None:
    """Add the version of the people that *dossier* names as its present one."""
    session.add(
        Applicant(
            dossier_id=dossier.id,
            version=dossier.applicant_version,
            applicant=given.applicant.model_dump(),
            submitter=given.submitter.model_dump() if given.submitter else None,
            parties=[party.model_dump() for party in given.parties],
            private_attributes=private_attributes,
        )
    )


async def change_applicant(session: Session, call: Call, given: People) -> Dossier:
    """Write a new version of the people and publish its number; Malformed if the kind of applicant is another.

    So particulars that a restored database lacks are given again, without the attributes that were private.
    The kind decides limits and routes and has been published: who is of another kind submits another dossier.
    """
    head, dossier = await open_dossier(session, call, Action.CHANGE_APPLICANT)
    if given.applicant.kind != dossier.applicant_kind:
        words = "Không thay đổi được loại đối tượng nộp hồ sơ", "The kind of applicant can not be changed"
        error = wrong_field("/applicant/kind", "kind_is_fixed", *words)
        raise Malformed(extra={"errors": [error]})
    before = await repository.find_applicant(session, dossier.id, dossier.applicant_version)
    dossier.applicant_version += 1
    add_people(session, dossier, given, before.private_attributes if before is not None else {})
    publish(session, head, ApplicantChanged(applicant_version=dossier.applicant_version))
    return dossier


async def read_applicant(
    session: Session, dossier_id: UUID, version: int | None, purpose: str, by: Principal
) -> Applicant:
    """Return the people of a dossier and record the look in the same transaction."""
    dossier = await repository.get_dossier(session, dossier_id, by)
    applicant = await repository.get_applicant(session, dossier_id, version or dossier.applicant_version)
    look = ApplicantLook(
        id=uuid4(), dossier_id=dossier_id, version=applicant.version, purpose=purpose, subject=by.subject
    )
    session.add(look)
    return applicant
