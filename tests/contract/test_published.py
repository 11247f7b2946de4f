"""What is published to read: nothing has drifted, the page of the timeline is whole and needs no internet."""

import re
from html import unescape
from importlib import import_module

import httpx
import pytest

from deploy.publish import DOCS, documents
from shared.events import FACTS
from shared.service import make_app
from shared.settings import SERVICES, Settings

PAGE = DOCS / "events" / "index.html"


def test_what_is_committed_is_what_the_code_says() -> None:
    drifted = [str(path) for path, text in documents() if not path.exists() or path.read_text() != text]
    assert drifted == [], "run `python -m deploy.publish`"


def test_nothing_is_published_that_the_code_does_not_say() -> None:
    there = {path for folder in ("api", "events") for path in (DOCS / folder).rglob("*") if path.is_file()}
    assert there == {path for path, _ in documents()}


def test_the_page_tells_every_fact_with_its_fields_and_an_example() -> None:
    articles = dict(re.findall(r'<article id="([^"]+)">(.*?)</article>', PAGE.read_text(), re.DOTALL))
    assert set(articles) == set(FACTS)
    for name, fact in FACTS.items():
        told = unescape(articles[name])
        assert " ".join((fact.__doc__ or "").split()) in told
        assert {f"<code>{field}</code>" in told for field in fact.model_fields} == {True}
        assert f"ce_type: {name}" in told


def test_the_page_says_who_handles_what() -> None:
    row = re.search(r'<tr><td><a href="#vn.lienthong.LegOffered.v1">.*?</tr>', PAGE.read_text(), re.DOTALL)
    assert row is not None
    assert re.findall(r'<td class="(\w+)">', row[0]) == ["none", "own", "does", "none"]


def test_the_page_loads_nothing_and_every_link_leads_somewhere() -> None:
    text = PAGE.read_text()
    assert not re.search(r"<script|<link|<img|@import|url\(|https?:", text)
    for target in re.findall(r'href="([^"]+)"', text):
        found = f'id="{target[1:]}"' in text if target.startswith("#") else (PAGE.parent / target).is_file()
        assert found, target


@pytest.mark.parametrize("service", SERVICES)
async def test_every_service_serves_it_beside_its_own_docs(service: str) -> None:
    app = make_app(import_module(f"services.{service}.app").definition, Settings(), "api")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        page = await client.get("/docs/events", follow_redirects=True)
        assert page.text == PAGE.read_text()
        assert (await client.get(f"{page.url.path}asyncapi.json")).json()["asyncapi"] == "3.0.0"
        assert (await client.get("/docs")).status_code == 200
