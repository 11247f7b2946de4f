"""The composition root of notify."""

from typing import cast

from services.notify import jobs
from services.notify.api import api
from services.notify.config import NotifySettings
from services.notify.consumers import consumer
from services.notify.handlers import AGAIN
from services.notify.jobs.email import MailServer
from shared.events.reference import Agency, Procedure
from shared.service import Definition, Job, Service, in_transaction

settings = NotifySettings


def _mail_server(service: Service) -> MailServer:
    given = cast(NotifySettings, service.settings)
    tls = given.smtp_tls if given.smtp_tls != "auto" else ("none" if given.mode == "local" else "starttls")
    return MailServer(
        host=given.smtp_host,
        port=given.smtp_port,
        tls=tls,
        username=given.smtp_username,
        password=given.smtp_password.get_secret_value(),
        sender=given.smtp_from,
        sender_name=given.smtp_from_name,
    )


async def send_emails(service: Service) -> bool:
    """Send one batch of e-mails."""
    return await jobs.send_emails(service, _mail_server(service))


definition = Definition(
    name="notify",
    title="Liên Thông – notify (thông báo)",
    description=(
        "Thông báo cho người nộp hồ sơ qua thư điện tử và cho các hệ thống đăng ký qua webhook có chữ ký. "
        "Tells applicants by e-mail and subscribed systems by signed webhooks (Standard Webhooks), once each."
    ),
    consumer=consumer,
    again=AGAIN,
    parsers={"procedure": Procedure.model_validate, "agency": Agency.model_validate},
    routers=[api],
    jobs=[
        Job("email", 0.3, send_emails),
        Job("email_second", 0.5, send_emails),
        Job("webhook", 0.3, jobs.send_webhooks),
        Job("webhook_second", 0.5, jobs.send_webhooks),
        Job("close_ended", 2.0, in_transaction(jobs.close_ended)),
    ],
)
