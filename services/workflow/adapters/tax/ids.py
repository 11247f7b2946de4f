"""SEQ_ID of a message: the id of its delivery, written so that it can be read back out of SEQ_REFID.

A slip under a new SEQ_ID is a second debt of the citizen; so a repeat of a delivery always has the first one's.
"""

import re
from uuid import UUID

OURS = re.compile(r"LT([0-9a-f]{32})")


def seq_id(delivery_id: str) -> str:
    """Return the SEQ_ID of a delivery."""
    return f"LT{UUID(delivery_id).hex}"


def delivery_id(seq_refid: object) -> str | None:
    """Return the delivery that a SEQ_REFID names; None if it is none of ours."""
    found = OURS.fullmatch(seq_refid) if isinstance(seq_refid, str) else None
    return str(UUID(found[1])) if found else None


def query_id(kind: str, delivery_id: str) -> str:
    """Return the SEQ_ID of a query of *kind* about a delivery; it makes nobody owe anything."""
    return f"LTQ{kind}{UUID(delivery_id).hex}"
