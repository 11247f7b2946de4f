"""The page of an outside system shows our ledger's side of a dossier, and what was not taken."""

from pathlib import Path

import pytest

from deploy.conformance.suite import examine
from deploy.conformance.town import SYSTEM, Town
from deploy.local.tokens import client_secrets
from tests.integration.conformance.test_conformance import EXAMPLE, NODE


async def test_a_page_shows_our_side_with_what_was_not_taken(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await examine(town, f"{NODE} {EXAMPLE}", tmp_path, ["refused"])
    page = f"{town.urls['sandbox']}/sandbox/{SYSTEM}"
    items = (await town.client.get(f"{page}/dossiers")).json()["items"]
    [closed] = [one["code"] for one in items if one["state"] == "closed"]
    assert (await town.client.get(f"{page}/ours/{closed}")).status_code == 404
    for name in ("workflow", "intake"):
        monkeypatch.setenv(f"LIENTHONG_{name.upper()}_URL", town.urls[name])
    monkeypatch.setenv("LIENTHONG_TOKEN_URL", f"{town.urls['issuer']}/token")
    monkeypatch.setenv("LIENTHONG_SAMPLE_CLIENT_SECRET", client_secrets(town.folder)[SYSTEM])
    ours = (await town.client.get(f"{page}/ours/{closed}")).json()
    assert (ours["state"], ours["n_told"]) == ("withdrawn", 2)
    assert [(one["fact"], one["state"]) for one in ours["not_taken"]] == [("DossierWithdrawn", "refused")]
    assert f'"{SYSTEM}/ours"' in (await town.client.get(page)).text
    assert (await town.client.get(f"{page}/ours/H99.01-261126-9999")).status_code == 404
