"""The REST surface of workflow: journeys of dossiers, and the exchange with outside systems."""

from services.workflow.api import legs, systems

routers = [legs.api, systems.api]

__all__ = ["routers"]
