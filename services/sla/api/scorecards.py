"""Scorecards as they are in force, and the counts that people enter for them."""

from typing import Annotated

from fastapi import Depends, Query

from services.sla import handlers, repository
from services.sla.api.cursor import after_place
from services.sla.handlers.terms import references
from services.sla.schemas.scorecards import CountEntry, CountPage, CountRead, ScorecardPage
from shared.auth import Principal, Role, allow
from shared.cursor import text_of
from shared.web import After, CodeText, Creates, Limit, Session, router

api = router(prefix="/v1", tags=["scorecards"])

Overseer = Annotated[Principal, Depends(allow(Role.LEADER, Role.OPS))]


@api.get("/scorecards", dependencies=[Depends(allow(*Role))])
async def list_scorecards(session: Session) -> ScorecardPage:
    """Every version of every scorecard: its parts, what they are worth, from when to when it is in force."""
    return ScorecardPage(items=[handlers.read_card(card) for _, _, card in references(session).all_of("scorecard")])


@api.post("/entered-counts", dependencies=[Creates], status_code=201)
async def enter_count(session: Session, body: CountEntry, by: Overseer) -> CountRead:
    """Enter what was counted for a part of a scorecard, with its document; the same period again corrects it."""
    return CountRead.model_validate(await handlers.enter_count(session, body, by))


@api.get("/entered-counts", dependencies=[Depends(allow(Role.LEADER, Role.OPS))])
async def list_entered_counts(
    session: Session,
    scorecard_code: Annotated[CodeText, Query()],
    limit: Limit = 50,
    after: After = None,
) -> CountPage:
    """Everything that was entered for a scorecard, corrected or not, in the order of entering."""
    rows = await repository.entered_page(session, scorecard_code, after_place(after), limit + 1)
    page = rows[:limit]
    following = text_of(page[-1].entered_at, page[-1].id) if len(rows) > limit else None
    return CountPage(items=[CountRead.model_validate(row) for row in page], next=following)
