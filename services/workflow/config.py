"""Settings of workflow."""

from pydantic import Field

from shared.settings import Settings


class WorkflowSettings(Settings):
    """When dossiers are looked at in outside systems, in seconds of real time, whatever the business clock does."""

    look_first_seconds: float = Field(2, gt=0)
    """After a change was taken; then after as long again as the dossier has been as it is."""
    look_longest_seconds: float = Field(6 * 3600, gt=0)
    look_longest_when_closed_seconds: float = Field(7 * 24 * 3600, gt=0)
