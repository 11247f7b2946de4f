"""Reading what a caller said: forms with exactly the fields of the contract, and refusals that name them."""

from datetime import datetime
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from deploy.sandbox.outside.desk import Refusal

Read = TypeVar("Read", bound=BaseModel)


class Form(BaseModel):
    """A body of the contract: unknown fields are refused, so that a misspelt one is found in the sandbox."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


def read(form: type[Read], said: object) -> Read:
    """Return *said* as *form*; Refusal if it does not fit."""
    try:
        return form.model_validate(said)
    except ValidationError as error:
        found = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()]
        raise Refusal("Dữ liệu không hợp lệ: " + "; ".join(found[:10])) from error


def _instant(value: object) -> datetime:
    found = datetime.fromisoformat(value) if isinstance(value, str) else None
    if found is None or found.tzinfo is None:
        msg = "an ISO 8601 instant with an offset is needed"
        raise ValueError(msg)
    return found


Instant = Annotated[datetime, BeforeValidator(_instant)]
"""ISO 8601 with an offset; kept in the dossier as the caller wrote it."""
