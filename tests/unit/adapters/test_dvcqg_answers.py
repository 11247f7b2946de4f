"""What the portal's answers mean, and what came of a delivery of two calls."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workflow.adapters.dvcqg.answers import meaning, total
from services.workflow.adapters.port import Answer, Json, Said
from services.workflow.adapters.posting import Answered
from tests.unit.adapters.tale import PEOPLE

VALUES = st.text("01-x", max_size=3) | st.integers(-2, 2) | st.none()


@pytest.mark.parametrize(
    ("status", "body", "answer"),
    [
        (200, {"error_code": "0", "message": "Thành công", "result": []}, Answer.TAKEN),
        (200, {"error_code": 0, "result": [{"MaHoSo": "x"}]}, Answer.TAKEN),
        (200, {"error_code": "-1", "message": "Không"}, Answer.REFUSED),
        (200, {"error_code": "0", "message": "Thành công", "result": [{"error_code": "-1"}]}, Answer.UNKNOWN),
        (200, {"error_code": "1", "message": "Thành công"}, Answer.UNKNOWN),
        (200, {"message": "Thành công"}, Answer.UNKNOWN),
        (200, {"error_code": None, "message": "đã tồn tại"}, Answer.UNKNOWN),
        (500, {"error_code": "0", "message": "Thành công", "result": []}, Answer.UNKNOWN),
        (404, {"error_code": "-1"}, Answer.UNKNOWN),
    ],
)
def test_only_a_listed_code_decides_and_words_never_do(status: int, body: Json, answer: Answer) -> None:
    assert meaning(Answered(status, body)).answer is answer


@given(st.dictionaries(st.sampled_from(["error_code", "message", "result"]), VALUES))
def test_no_answer_is_a_yes_without_the_code(body: Json) -> None:
    if str(body.get("error_code")) != "0":
        assert meaning(Answered(200, body)).answer is not Answer.TAKEN


def test_words_of_the_portal_never_repeat_particulars() -> None:
    row = {"ChuHoSo": PEOPLE["full_name"], "DinhDanhCHS": [{"SoDinhDanh": PEOPLE["identity_number"]}]}
    said = meaning(
        Answered(200, {"error_code": "-1", "message": f"Sai: {PEOPLE['full_name']} {PEOPLE['identity_number']}"}), row
    )
    assert said.message == "Sai: … …"


T, R, N, U = (Said(answer) for answer in (Answer.TAKEN, Answer.REFUSED, Answer.NO_EFFECT, Answer.UNKNOWN))


@pytest.mark.parametrize(
    ("calls", "answer"),
    [
        ([], Answer.TAKEN), ([T], Answer.TAKEN), ([T, T], Answer.TAKEN), ([T, U], Answer.UNKNOWN),
        ([U, T], Answer.UNKNOWN), ([T, N], Answer.UNKNOWN), ([N], Answer.NO_EFFECT), ([N, N], Answer.NO_EFFECT),
        ([T, R], Answer.REFUSED), ([R, T], Answer.REFUSED), ([R, U], Answer.UNKNOWN), ([R, N], Answer.NO_EFFECT),
    ],
)  # fmt: skip
def test_no_call_hides_another(calls: list[Said], answer: Answer) -> None:
    assert total(calls).answer is answer
