"""Settings of workflow."""

from shared.settings import Settings


class WorkflowSettings(Settings):
    """Workflow needs nothing beyond what every service needs."""
