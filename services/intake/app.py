"""The composition root of intake."""

from services.intake.api import api, peers
from services.intake.config import IntakeSettings
from services.intake.consumers import consumer
from services.intake.handlers import AGAIN, LOST
from shared.events.reference import Agency, Procedure
from shared.reference import load_folder
from shared.service import Definition
from shared.worktime import Calendar, CalendarData

settings = IntakeSettings

definition = Definition(
    name="intake",
    title="Liên Thông – intake (tiếp nhận)",
    description=(
        "Tiếp nhận hồ sơ, cấp mã, hẹn trả, thu phí, trả kết quả. "
        "Receives dossiers, issues codes, receipts and appointments, returns results."
    ),
    consumer=consumer,
    again=AGAIN,
    lost=LOST,
    parsers={
        "procedure": Procedure.model_validate,
        "agency": Agency.model_validate,
        "calendar": lambda data: Calendar(CalendarData.model_validate(data)),
    },
    routers=[api, peers],
    load=load_folder,
)
