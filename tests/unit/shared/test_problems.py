"""Problem documents speak the caller's language, down to the fields that are wrong."""

import json

import pytest

from shared.errors import Malformed, wrong_field
from shared.problems import render


@pytest.mark.parametrize(("language", "words"), [("en-GB,vi", "Too late"), ("vi", "Quá muộn"), ("", "Quá muộn")])
def test_a_wrong_field_is_named_in_the_callers_language(language: str, words: str) -> None:
    error = Malformed(extra={"errors": [wrong_field("/due_on", "late", "Quá muộn", "Too late")], "notices": ["TB-1"]})
    document = json.loads(bytes(render(error, {"accept-language": language}).body))
    assert document["errors"] == [{"pointer": "/due_on", "code": "late", "detail": words}]
    assert document["notices"] == ["TB-1"]
