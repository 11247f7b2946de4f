"""Which dialect a province speaks, by a setting."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from services.workflow.adapters.dvcqg import catalogue
from services.workflow.adapters.dvcqg.bearer import BearerAccess
from services.workflow.adapters.dvcqg.kept import Folder
from services.workflow.adapters.dvcqg.portal import Numbering, SessionPortal
from services.workflow.adapters.dvcqg.second import BearerPortal
from services.workflow.adapters.dvcqg.session import SessionAccess
from services.workflow.adapters.port import Translator
from services.workflow.adapters.posting import Signer


@dataclass(frozen=True, slots=True)
class PortalSettings:
    """All that either dialect needs."""

    dialect: Literal["A", "B"]
    url: str
    account: str
    """``username`` or ``client_id``."""
    secret: str = field(repr=False)
    unit_code: str
    """``madonvi``; in dialect B the series of our numbers."""
    dstcode: str = ""
    """Dialect A."""
    procedures: Path = Path("deploy/province/procedures")
    """Dialect A."""
    numbering: Numbering = "submission"
    """Dialect A."""
    kept: Path = Path(".local/dvcqg")
    """Dialect B: where its numbers are kept."""
    timeout_seconds: float = 30
    signer: Signer | None = None


def make_portal(given: PortalSettings) -> Translator:
    """Return the translator of the dialect that is set."""
    if given.dialect == "B":
        bearer = BearerAccess(
            given.url, given.account, given.secret, given.unit_code, given.timeout_seconds, given.signer
        )
        return BearerPortal(bearer, Folder(given.kept))
    session = SessionAccess(
        given.url,
        given.account,
        given.secret,
        given.unit_code,
        given.dstcode,
        given.timeout_seconds,
        signer=given.signer,
    )
    return SessionPortal(session, catalogue.read(given.procedures), given.numbering)
