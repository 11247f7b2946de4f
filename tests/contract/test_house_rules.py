"""Rules that an import linter can not say: no commits under services, no foreign publishing, nothing undeclared."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

from shared.events import FACTS
from shared.service import make_app
from shared.settings import SERVICES, Settings
from tests.contract.routes import served

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = {"/healthz", "/readyz", "/metrics", "/v1/track/{code}", "/v1/procedures", "/v1/procedures/{code}"}


def sources(folder: str) -> list[Path]:
    return [path for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts]


@pytest.mark.parametrize("path", sources("services"), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_service_ends_a_transaction_by_itself(path: Path) -> None:
    called = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    assert not {"commit", "rollback"} & {func.attr for func in called if isinstance(func, ast.Attribute)}


@pytest.mark.parametrize("service", SERVICES)
def test_every_fact_of_the_others_is_handled_or_ignored_on_purpose(service: str) -> None:
    assert import_module(f"services.{service}.app").definition.consumer.undeclared() == set()


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_names_who_may_use_it_or_is_public_on_purpose(service: str) -> None:
    routes = served(make_app(import_module(f"services.{service}.app").definition, Settings(), "all"))
    assert len(routes) > 10
    for route in routes:
        assert bool(route.roles) != (route.path in PUBLIC), f"{service} {route}"


def test_every_service_publishes_facts_and_no_name_is_used_twice() -> None:
    assert {fact.source for fact in FACTS.values()} == set(SERVICES)
    names = [fact.__name__ for fact in FACTS.values()]
    assert len(names) == len(set(names))
