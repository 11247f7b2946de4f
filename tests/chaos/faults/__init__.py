"""Every fault by name, in families; a plan draws from them."""

from collections.abc import Callable
from random import Random

from tests.chaos.faults import broker, clerks, database, partners, processes, quorum, restored, together
from tests.chaos.faults.fault import Fault, Place
from tests.chaos.points import DISTORTIONS, POINTS

__all__ = ["FAMILIES", "QUORUM", "Fault", "Make", "Place", "by_name"]

Make = Callable[[Random], Fault]


def _at(name: str) -> Make:
    return lambda _: processes.AtPoints((name,))


def _bad(name: str) -> Make:
    return lambda _: processes.BadBroker(name)


def _switched(kind: str) -> Make:
    return lambda _: partners.Switched((kind,))


def _clerk(verb: str) -> Make:
    return lambda _: clerks.Clerk(verb)


QUORUM = "quorum"
"""The family that needs three brokers."""
FAMILIES: dict[str, dict[str, Make]] = {
    "points": {f"kill at {name}": _at(name) for name in POINTS},
    "processes": {
        "kill at three points at once": lambda rng: processes.some_points(rng, 3),
        "kill -9 at any instant": lambda _: processes.Killed(1),
        "kill -9 of three": lambda _: processes.Killed(3),
        "frozen longer than its lease": lambda _: processes.Frozen(),
        "an engine frozen": lambda _: processes.EngineFrozen(),
        **{f"broker {name} messages": _bad(name) for name in DISTORTIONS},
    },
    "database": {
        "PostgreSQL killed": lambda _: database.ServerKilled(),
        "connections cut": lambda _: database.ConnectionsCut(),
        "locks in the opposite order": lambda _: database.Deadlocks(),
        "serialization failures": lambda _: database.Conflicts(),
        "migration killed": lambda _: database.MigrationKilled(),
    },
    "broker": {
        "Kafka killed": lambda _: broker.BrokerKilled(),
        "Kafka's data deleted": lambda _: broker.DataDeleted(),
        "Kafka's disk full": lambda _: broker.DiskFull(),
        "cut off from Kafka": lambda _: broker.CutOff(),
    },
    QUORUM: {
        "leader killed": lambda _: quorum.LeaderKilled(),
        "rolling restart": lambda _: quorum.RollingRestart(),
        "minority cut off": lambda _: quorum.MinorityCut(),
        "one broker wiped": lambda _: quorum.OneWiped(),
        "disk of one of three full": lambda _: broker.DiskFull(),
        "data of all three deleted": lambda _: broker.DataDeleted(),
        "cut off from all three": lambda _: broker.CutOff(),
    },
    "partners": {
        **{f"partner: {kind}": _switched(kind) for kind in partners.SWITCHES},
        "partner: several switches": lambda rng: partners.Switched(tuple(rng.sample(sorted(partners.SWITCHES), 4))),
        **{f"a clerk {verb} dossiers": _clerk(verb) for verb in ("changes", "deletes")},
        "mail and webhooks refused": lambda _: partners.PostRefused(),
    },
}
FAMILIES["restore"] = {"a database restored from a backup": lambda _: restored.Restored()}

MIXED = [name for family in ("points", "processes", "database", "broker", "partners") for name in FAMILIES[family]]
ALONE = {"migration killed"}
"""Not mixed: it strikes a database that nobody else uses."""


def _mixed(rng: Random) -> Fault:
    known = by_name()
    names = rng.sample([name for name in MIXED if name not in ALONE], 2)
    return together.Together({name: known[name](rng) for name in names})


FAMILIES["mixed"] = {f"two at once, {n}": _mixed for n in ("a", "b", "c", "d", "e", "f")}


def by_name() -> dict[str, Make]:
    """Return all faults."""
    return {name: make for family in FAMILIES.values() for name, make in family.items()}
