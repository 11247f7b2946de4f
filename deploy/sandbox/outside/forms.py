"""Reading what a caller said: forms with exactly the fields of the contract, and refusals that name them."""

from typing import Annotated, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, ValidationError

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


def _is_instant(value: object) -> object:
    if not isinstance(value, str):
        msg = "an ISO 8601 instant with an offset is needed"
        raise ValueError(msg)  # noqa: TRY004 - pydantic reports ValueError
    return value


Instant = Annotated[AwareDatetime, BeforeValidator(_is_instant)]
"""ISO 8601 with an offset; kept in the dossier as the caller wrote it."""
