"""The REST surface of workflow: journeys of dossiers, the exchange with outside systems, incidents."""

from services.workflow.api import incidents, legs, systems

routers = [legs.api, systems.api, incidents.api]

__all__ = ["routers"]
