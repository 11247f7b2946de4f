"""The composition root of workflow."""

from pathlib import Path

import structlog

from services.workflow.api import routers
from services.workflow.config import WorkflowSettings
from services.workflow.consumers import consumer
from services.workflow.domain import catalogue
from services.workflow.domain.route import Route
from services.workflow.domain.systems import OutsideSystem
from services.workflow.handlers.again import AGAIN, doubt_waiting
from services.workflow.jobs import JOBS
from shared.events.reference import Agency, Procedure
from shared.reference import FOLDERS, load_folder, read_folder
from shared.service import Definition, Service
from shared.worktime import Calendar, CalendarData

log = structlog.get_logger(__name__)

settings = WorkflowSettings


class CatalogueInvalid(ValueError):
    """Routes and agencies do not fit together; nothing was loaded."""


async def load(service: Service, folder: str) -> None:
    """Load agencies and routes of a province, after looking at them together."""
    await service.references.refresh()
    check(Path(folder), service)
    await load_folder(service, folder)


def check(folder: Path, service: Service | None = None) -> None:
    """Raise CatalogueInvalid for what can not work; log what is only worth knowing."""
    known = {(code, version): data for code, version, data in service.references.all_of("route")} if service else {}
    routes = [Route.model_validate(data) for data in read_folder(folder / FOLDERS["route"])]
    routes = list({**known, **{(route.code, route.version): route for route in routes}}.values())
    agencies = [Agency.model_validate(data) for data in read_folder(folder / FOLDERS["agency"])]
    agencies += [data for _, _, data in service.references.all_of("agency")] if service else []
    if wrong := list(catalogue.errors(routes, agencies)):
        raise CatalogueInvalid("; ".join(wrong))
    procedures = [Procedure.model_validate(data) for data in read_folder(folder / FOLDERS["procedure"])]
    for note in catalogue.notes(routes, procedures):
        log.warning("route_limit_differs", note=note)


definition = Definition(
    name="workflow",
    title="Liên Thông – workflow (luân chuyển)",
    description=(
        "Luân chuyển hồ sơ giữa các cơ quan theo quy trình: giao, nhận, xử lý, chuyển trả từng chặng. "
        "Routes dossiers between agencies, leg by leg: offered, acknowledged, completed, returned."
    ),
    consumer=consumer,
    again=AGAIN,
    doubt=doubt_waiting,
    parsers={
        "agency": Agency.model_validate,
        "route": Route.model_validate,
        "system": OutsideSystem.model_validate,
        "calendar": lambda data: Calendar(CalendarData.model_validate(data)),
    },
    routers=routers,
    jobs=JOBS,
    load=load,
)
