"""Digests of many histories, pure: what they are, what may be taken out of them, and what two sides' entries say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.timeline import Entry, Verdict, format_chain

N_BUCKETS = 4_096


@dataclass(frozen=True, slots=True)
class Digest:
    """The digest of one bucket; entries can be taken out of it again."""

    n_dossiers: int = 0
    seqs: int = 0
    chains: int = 0

    def without(self, entry: Entry) -> "Digest":
        """Return the digest of the same bucket without one dossier."""
        return Digest(self.n_dossiers - 1, self.seqs - entry.seq, self.chains ^ entry.chain)


Digests = dict[int, Digest]
Entries = dict[UUID, Entry]
EMPTY = Digest()


def bucket_of(dossier_id: UUID) -> int:
    """Return the bucket of a dossier: the last twelve bits of a UUIDv7 are random."""
    return dossier_id.int % N_BUCKETS


@dataclass(frozen=True, slots=True)
class Difference:
    """A dossier whose history of a source is not the same here and there."""

    dossier_id: UUID
    verdict: Verdict
    ours: Entry
    theirs: Entry

    def shown(self) -> dict[str, Any]:
        """Return what an ops engineer sees of it."""
        sides = {"ours": self.ours, "theirs": self.theirs}
        return {
            "dossier_id": str(self.dossier_id),
            "why": "behind" if self.verdict is Verdict.HOLD else str(self.verdict),
            **{side: {"seq": entry.seq, "chain": format_chain(entry.chain)} for side, entry in sides.items()},
        }


def differences(ours: Mapping[UUID, Entry], theirs: Mapping[UUID, Entry], moving: set[UUID]) -> Iterator[Difference]:
    """Compare entries that were read here first and there second; those *moving* there are passed over."""
    for dossier_id in (ours.keys() | theirs.keys()) - moving:
        here, there = ours.get(dossier_id, Entry()), theirs.get(dossier_id, Entry())
        if here == there:
            continue
        behind, ahead = here.seq < there.seq, here.seq > there.seq
        verdict = Verdict.HOLD if behind else Verdict.AHEAD if ahead else Verdict.FORK
        yield Difference(dossier_id, verdict, here, there)


@dataclass(frozen=True, slots=True)
class Side:
    """One service's view of one source's histories at one instant; *moving* are those that moved lately, if it is
    the source itself.
    """

    digests: Digests
    moving: Entries

    def without(self, entries: Entries) -> Digests:
        """Return the digests without some dossiers as they stood in this view."""
        left = dict(self.digests)
        for dossier_id, entry in entries.items():
            bucket = bucket_of(dossier_id)
            left[bucket] = left[bucket].without(entry)
        return {bucket: digest for bucket, digest in left.items() if digest != EMPTY}
