"""Settings of sla."""

from fractions import Fraction

from pydantic import Field

from services.sla.domain import NEAR_BREACH_SHARE
from shared.settings import Settings


class SlaSettings(Settings):
    """When a warning is given, whichever of the two comes first, and what reports say (prefix ``LIENTHONG_``)."""

    near_breach_share: Fraction = Field(default=NEAR_BREACH_SHARE, gt=0, lt=1)
    """The share of the limit that is left, such as ``1/4``."""
    near_breach_working_days: int = Field(default=0, ge=0, le=30)
    """So many working days before the deadline; 0: only the share counts."""
    forgotten_suspension_days: int = Field(default=30, ge=1)
    """A suspension that lasts longer is asked about, where its ground says nothing else."""
    papers_place: str = ""
    """Where papers are signed, beside the date; empty: left to be filled in."""
    place_name: str = "………………"
    """Who reports, as it stands on form 06; a report of one agency has that agency's name."""
    reports_to: str = ""
    """To whom form 06 is sent."""
