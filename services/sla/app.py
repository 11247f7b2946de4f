"""The composition root of sla."""

from services.sla.api import routers
from services.sla.config import SlaSettings
from services.sla.consumers import consumer
from services.sla.domain import Ground
from services.sla.domain.scorecards import Scorecard
from services.sla.handlers import AGAIN, forget
from services.sla.jobs import JOBS
from shared.events.reference import Agency, Procedure
from shared.reference import load_folder
from shared.service import Definition
from shared.worktime import Calendar, CalendarData

settings = SlaSettings

definition = Definition(
    name="sla",
    title="Liên Thông – sla (thời hạn)",
    description=(
        "Lịch làm việc, thời hạn, khoảng thời gian không tính vào thời hạn, hạn trả, cảnh báo. "
        "Calendars, clocks, lawful suspensions, deadlines, warnings."
    ),
    consumer=consumer,
    again=AGAIN,
    forget=forget,
    parsers={
        "calendar": lambda data: Calendar(CalendarData.model_validate(data)),
        "ground": Ground.model_validate,
        "scorecard": Scorecard.model_validate,
        "agency": Agency.model_validate,
        "procedure": Procedure.model_validate,
    },
    routers=routers,
    jobs=JOBS,
    load=load_folder,
)
