"""The applicant of a delivery: asked of intake at the moment of sending, never stored, never logged."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from services.workflow.adapters.ledger import Leased
from services.workflow.adapters.ours import Away, Ours

PRIVATE = ("applicant", "submitter", "parties", "private_attributes")
PUBLIC_NAMES = {"kind"}
SHORTEST = 3
"""Shorter values are no particulars, and would blot out half of a message."""

LOST = (404, "applicant_lost")


class IntakeAway(Exception):
    """Intake did not give the people of a dossier; nothing was sent to the system."""


class PeopleLost(Exception):
    """Intake has the dossier and not its people: a person has to ask for them again."""


class People:
    """The people of one delivery; remembers what it saw only to keep it out of messages."""

    def __init__(self, base: str, ours: Ours, leased: Leased, purpose: str) -> None:
        self._url = f"{base.rstrip('/')}/v1/dossiers/{quote(leased.dossier_id, safe='')}/applicant"
        self._ours = ours
        self._payload = leased.payload
        self._purpose = purpose
        self._seen: set[str] = set()

    async def __call__(self) -> Mapping[str, Any]:
        """Return intake's answer: applicant, submitter, parties, private_attributes; IntakeAway without, PeopleLost."""
        query = {"version": version_of(self._payload), "purpose": self._purpose}
        try:
            status, body = await self._ours.call("GET", self._url, params=query)
        except Away as error:
            raise IntakeAway(error.why) from error
        if status == LOST[0] and body.get("code") == LOST[1]:
            raise PeopleLost
        if status != 200 or not isinstance(body.get("applicant"), dict):
            raise IntakeAway(f"{status} {body.get('code', '')}".strip())
        self._seen |= {text for name in PRIVATE for text in _texts(body.get(name)) if len(text) >= SHORTEST}
        return body

    @property
    def were_asked(self) -> bool:
        """Say whether they are known here."""
        return bool(self._seen)

    def blot(self, words: str) -> str:
        """Return *words* of the system without any particulars that it repeated."""
        for text in sorted(self._seen, key=len, reverse=True):
            words = re.sub(re.escape(text), "…", words, flags=re.IGNORECASE)
        return words


def version_of(payload: Mapping[str, Any]) -> int:
    """Return the version of the people that a delivery refers to."""
    versions = {int(one["version"]) for one in payload["applicant"].values()}
    return max(versions)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            if name not in PUBLIC_NAMES:
                yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, str):
        yield value
