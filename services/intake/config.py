"""Settings of intake."""

from shared.settings import Settings


class IntakeSettings(Settings):
    """Intake needs nothing beyond what every service needs."""
