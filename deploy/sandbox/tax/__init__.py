"""The tax gateway in the style of a CVAN: a technical answer at once, the business result later by callback."""

from typing import Any

from fastapi import APIRouter

from deploy.sandbox.outside.desk import Answer, Desk, Refusal
from deploy.sandbox.outside.office import Action, Office
from deploy.sandbox.outside.storage import Dossier
from deploy.sandbox.tax.calls import CALLS, TaxRefusal, ack
from deploy.sandbox.tax.clerks import ACTIONS, RESULT_CALLBACK, Determination, determine
from deploy.sandbox.tax.states import OK, REFUSED, STATES


class Tax(Office):
    """The tax office; a slip is known by its SEQ_ID, a dossier by MA_HS."""

    name = "tax"
    title = "Cơ quan thuế – cổng trao đổi phiếu chuyển"
    calls = tuple(CALLS)
    callback_names = (RESULT_CALLBACK,)
    states = STATES
    moving = frozenset({"slip_received"})
    received_field = "NGAY_TIEPNHAN"
    due_field = "HAN_XULY"
    due_is_own = True

    def add_calls(self, router: APIRouter) -> None:
        """Add the calls."""
        self.add_posts(router, CALLS, "TCT_GPC (type 10), TCT_TVTBT (types 14, 16, 17), ChungTuThanhToan.")

    def own_actions(self) -> dict[str, Action]:
        """Return what its clerks do."""
        return ACTIONS

    def code_in(self, said: dict[str, Any]) -> str:
        """Return MA_HS or MaHoSo, wherever it stands."""
        body = said.get("BODY")
        inner = body if isinstance(body, dict) else {}
        common = inner.get("TT_CHUNG")
        named = (common if isinstance(common, dict) else inner).get("MA_HS")
        return str(named or said.get("MaHoSo") or "")

    def refusal(self, refusal: Refusal) -> Answer:
        """Say no in the technical answer."""
        code = refusal.code if isinstance(refusal, TaxRefusal) else REFUSED
        return Answer(ack("", code, str(refusal)))

    def error_inside(self) -> Answer:
        """Say success in the code and failure in the words."""
        return Answer(ack("", OK, "Lỗi hệ thống: thông điệp chưa được ghi nhận"))

    def accepted(self, answer: Any) -> bool:
        """Take only ERROR_CODE 0 for a yes."""
        return isinstance(answer, dict) and answer.get("ERROR_CODE") in {0, "0"}

    def advance(self, desk: Desk, dossier: Dossier) -> None:
        """Issue two notices of invented amounts."""
        determine(desk, dossier, Determination())
