"""Problem documents speak the caller's language, down to the fields that are wrong."""

import json

import pytest
from pydantic import ValidationError

from shared.errors import Malformed, wrong_field
from shared.problems import malformed, render
from shared.web import Body, CodeText


@pytest.mark.parametrize(("language", "words"), [("en-GB,vi", "Too late"), ("vi", "Quá muộn"), ("", "Quá muộn")])
def test_a_wrong_field_is_named_in_the_callers_language(language: str, words: str) -> None:
    error = Malformed(extra={"errors": [wrong_field("/due_on", "late", "Quá muộn", "Too late")], "notices": ["TB-1"]})
    document = json.loads(bytes(render(error, {"accept-language": language}).body))
    assert document["errors"] == [{"pointer": "/due_on", "code": "late", "detail": words}]
    assert document["notices"] == ["TB-1"]


class Named(Body):
    """A body with a code in it."""

    code: CodeText


@pytest.mark.parametrize(("speak", "words"), [("vi", "không có khoảng trắng"), ("en", "no blanks")])
@pytest.mark.parametrize("sent", ["Nguyễn Văn A", "", "-1", "x" * 65, "mã"])
def test_what_is_no_code_is_told_what_a_code_is(speak: str, words: str, sent: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Named.model_validate({"code": sent})
    [error] = malformed(refused.value.errors(), speak).extra["errors"]
    assert error["code"] == "string_pattern_mismatch"
    assert words in error["detail"]
    assert "64" in error["detail"]
    assert "^" not in error["detail"]
