"""The contracts of the timeline: the envelope, and the facts grouped by the service that publishes them."""

from shared.events import intake, notify, sla, workflow
from shared.events.base import Fact

MODULES = (intake, workflow, sla, notify)
FACTS: dict[str, type[Fact]] = {
    fact.type_name(): fact
    for module in MODULES
    for fact in vars(module).values()
    if isinstance(fact, type)
    and issubclass(fact, Fact)
    and fact.__module__ == module.__name__
    and not fact.__subclasses__()
}
"""Every fact by its CloudEvents type."""

__all__ = ["FACTS", "Fact"]
