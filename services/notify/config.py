"""Settings of notify."""

from typing import Literal

from pydantic import SecretStr

from shared.settings import Settings


class NotifySettings(Settings):
    """The mail server, and which hosts inside the network webhooks may go to."""

    smtp_host: str = "127.0.0.1"
    smtp_port: int = 8025
    smtp_tls: Literal["auto", "none", "starttls", "tls"] = "auto"
    """``auto`` is STARTTLS, in local mode none."""
    smtp_username: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_from: str = "khong-tra-loi@lienthong.invalid"
    """The sender's address; its domain also ends every Message-ID."""
    smtp_from_name: str = "Hệ thống một cửa liên thông"
    webhook_trusted_hosts: str = ""
    """Comma-separated names that webhooks may call although they are inside: http and private addresses allowed."""
