"""The birth of a dossier."""

from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator

from services.intake.domain import Status
from services.intake.handlers.catalogue import references
from services.intake.handlers.people import add_people
from services.intake.models import Dossier
from services.intake.schemas import DossierCreate
from shared import worktime
from shared.auth import Principal, Role
from shared.errors import Malformed, NotFound, wrong_field
from shared.events.intake import DossierSubmitted
from shared.events.reference import Agency, Procedure
from shared.outbox import birth, new_dossier_id, now, publish
from shared.session import Session


async def submit_dossier(session: Session, given: DossierCreate, by: Principal) -> Dossier:
    """Give birth to a dossier; Malformed lists every field that the procedure does not take."""
    at = now(session)
    version, procedure, unit = _resolve(session, given)
    _check(procedure, unit, given)
    public = {name: value for name, value in given.attributes.items() if name in procedure.public_attributes}
    dossier = Dossier(
        id=new_dossier_id(at),
        version=1,
        status=Status.SUBMITTED,
        procedure_code=procedure.code,
        procedure_version=version,
        field_code=procedure.field_code,
        channel=given.channel,
        is_assisted=given.channel == "online" and by.has(Role.OFFICER),
        submitted_by=by.subject,
        receiving_unit_code=given.receiving_unit_code,
        applicant_kind=given.applicant.kind,
        applicant_version=1,
        result_delivery=given.result_delivery,
        attributes=public,
        components=[component.model_dump() for component in given.components],
        submitted_at=at,
        n_supplements=0,
        n_notices=0,
    )
    head = birth(session, dossier.id)
    session.add(dossier)
    add_people(session, dossier, given, {k: v for k, v in given.attributes.items() if k not in public})
    filed_by = by.subject if by.has(Role.PORTAL, Role.SYSTEM) else None
    publish(session, head, submitted(dossier).model_copy(update={"filed_by": filed_by}))
    return dossier


def _resolve(session: Session, given: DossierCreate) -> tuple[int, Procedure, Agency]:
    """Find the procedure and the receiving unit as they are in force; Malformed names each that is not."""
    errors: list[dict[str, Any]] = []
    found: list[tuple[int, Any]] = []
    on = worktime.local_date(now(session))
    for kind, code, pointer in (
        ("procedure", given.procedure_code, "/procedure_code"),
        ("agency", given.receiving_unit_code, "/receiving_unit_code"),
    ):
        try:
            found.append(references(session).in_force(kind, code, on))
        except NotFound:
            words = "Mã không có trong danh mục đang hiệu lực", "This code is not in force"
            errors.append(wrong_field(pointer, f"unknown_{kind}", *words))
    if errors:
        raise Malformed(extra={"errors": errors})
    (version, procedure), (_, unit) = found
    return version, procedure, unit


def _check(procedure: Procedure, unit: Agency, given: DossierCreate) -> None:
    errors = [*_wrong_components(procedure, given), *_wrong_attributes(procedure, given)]
    if not unit.dossier_code_prefix:
        words = "Đơn vị không tiếp nhận hồ sơ", "This agency receives no dossiers"
        errors.append(wrong_field("/receiving_unit_code", "not_a_receiving_unit", *words))
    if errors:
        raise Malformed(extra={"errors": errors})


def _wrong_components(procedure: Procedure, given: DossierCreate) -> Iterator[dict[str, Any]]:
    known = {component.code for component in procedure.components}
    present = {component.code for component in given.components if component.n_originals + component.n_copies}
    for at, component in enumerate(given.components):
        if component.code not in known:
            words = "Giấy tờ không thuộc thủ tục", "The procedure has no such component"
            yield wrong_field(f"/components/{at}/code", "unknown_component", *words)
    for required in procedure.components:
        if required.is_required and required.code not in present:
            words = f"Thiếu giấy tờ: {required.name}", f"A component is missing: {required.name}"
            yield wrong_field("/components", "missing_component", *words)


def _wrong_attributes(procedure: Procedure, given: DossierCreate) -> Iterator[dict[str, Any]]:
    for wrong in Draft202012Validator(procedure.attributes_schema).iter_errors(given.attributes):
        path = "".join(f"/{step}" for step in wrong.absolute_path)
        words = "Thuộc tính không đúng quy định của thủ tục", "The procedure does not take this attribute"
        yield wrong_field(f"/attributes{path}", f"attribute_{wrong.validator}", *words)


def submitted(dossier: Dossier) -> DossierSubmitted:
    """Return the fact that tells of the dossier as it was submitted."""
    return DossierSubmitted(
        procedure=f"{dossier.procedure_code}@{dossier.procedure_version}",
        field_code=dossier.field_code,
        channel=dossier.channel,
        assisted=dossier.is_assisted,
        receiving_unit_code=dossier.receiving_unit_code,
        applicant_kind=dossier.applicant_kind,
        applicant_version=dossier.applicant_version,
        result_delivery=dossier.result_delivery,
        attributes=dossier.attributes,
    )
