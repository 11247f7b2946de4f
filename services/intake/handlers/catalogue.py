"""What commands look up in reference data."""

from services.intake.models import Dossier
from shared.events.base import Limit
from shared.events.reference import Procedure
from shared.reference import References
from shared.session import Session


def references(session: Session) -> References:
    """Return what this service holds of reference data."""
    found: References = session.info["references"]
    return found


def limit_of(session: Session, dossier: Dossier) -> Limit:
    """Return the time limit of the procedure version under which the dossier was received."""
    procedure: Procedure = references(session).get("procedure", dossier.procedure_code, dossier.procedure_version)
    return procedure.limit_for(dossier.channel, dossier.receiving_unit_code, dossier.attributes)
