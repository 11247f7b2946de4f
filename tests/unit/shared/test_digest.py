"""Digests prove equality: what is taken out on both sides leaves equal digests if and only if the rest is equal."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.digest import EMPTY, Digest, Digests, Entries, Side, bucket_of, differences
from shared.timeline import Entry, Verdict

ids = st.uuids(version=4)
entries = st.builds(Entry, st.integers(1, 2**31 - 1), st.integers(-(2**63), 2**63 - 1))
histories = st.dictionaries(ids, entries, max_size=12)


def digests_of(held: Entries) -> Digests:
    """Fold entries into digests, as the database does."""
    digests: Digests = {}
    for dossier_id, entry in held.items():
        old = digests.get(bucket_of(dossier_id), EMPTY)
        new = Digest(old.n_dossiers + 1, old.seqs + entry.seq, old.chains ^ entry.chain)
        digests[bucket_of(dossier_id)] = new
    return digests


@given(histories, histories)
def test_what_moves_is_taken_out_without_a_trace(settled: Entries, moving: Entries) -> None:
    settled = {one: entry for one, entry in settled.items() if one not in moving}
    whole = Side(digests_of({**settled, **moving}), moving)
    assert whole.without(whole.moving) == digests_of(settled)


@given(histories, ids, entries, entries)
def test_one_entry_that_differs_is_seen(held: Entries, dossier_id: UUID, here: Entry, there: Entry) -> None:
    ours, theirs = held | {dossier_id: here}, held | {dossier_id: there}
    found = list(differences(ours, theirs, set()))
    if here == there:
        assert found == []
        return
    assert digests_of(ours) != digests_of(theirs)
    assert [one.dossier_id for one in found] == [dossier_id]
    expected = Verdict.FORK if here.seq == there.seq else Verdict.HOLD if here.seq < there.seq else Verdict.AHEAD
    assert found[0].verdict is expected


@given(histories, ids, entries)
def test_what_one_side_lacks_is_seen_unless_it_moves(held: Entries, dossier_id: UUID, entry: Entry) -> None:
    lacking = {one: it for one, it in held.items() if one != dossier_id}
    whole = lacking | {dossier_id: entry}
    assert [one.verdict for one in differences(lacking, whole, set())] == [Verdict.HOLD]
    assert [one.verdict for one in differences(whole, lacking, set())] == [Verdict.AHEAD]
    assert list(differences(lacking, whole, {dossier_id})) == []
