"""Checks of what the system is told: each change once, in order, and *taken* only where it was."""

import asyncio

from deploy.conformance.bench import Bench, Failed, require
from deploy.conformance.town import PRIVATE, Dossier

WITHDRAWAL = {"reason_code": "by_applicant"}
NOT_A_YES = ("error_inside", "html_answer", "empty_answer")


async def order(bench: Bench) -> str:
    """Each change of a dossier is there once, in the order of the ledger."""
    dossier = await bench.town.accept()
    await bench.once_in_order(dossier)
    await bench.town.command(dossier, "withdraw", WITHDRAWAL)
    return await bench.once_in_order(dossier)


async def positive(bench: Bench) -> str:
    """A yes with an error inside, a page of HTML and an empty 200 are not taken for a yes, and nothing is lost."""
    await bench.town.faults(*({"kind": kind, "next_calls": 1, "calls": ["changes"]} for kind in NOT_A_YES))
    dossiers = [await bench.town.accept() for _ in NOT_A_YES]
    for dossier in dossiers:
        await _first_try(bench, dossier)
        said = bench.answers(dossier)[0]
        fault = next((one["faults"] for one in await bench.calls(dossier) if one["faults"]), "no fault")
        require(it_is=said != "taken", seen=f"{fault}: the adapter said taken, and nothing was written")
        require(it_is=said != "refused", seen=f"{fault}: the adapter said refused, which only a listed answer is")
    seen = [await bench.once_in_order(dossier) for dossier in dossiers]
    return f"{', '.join(NOT_A_YES)}: came again; {seen[0]}"


async def _first_try(bench: Bench, dossier: Dossier) -> None:
    async def answered() -> bool:
        return bool(bench.answers(dossier))

    await bench.until(answered, "no answer (ack) came for a try")


async def gateway(bench: Bench) -> str:
    """A 502 before the system comes again later, and nothing is lost."""
    await bench.town.faults({"kind": "bad_gateway", "next_calls": 1, "calls": ["changes"]})
    dossier = await bench.town.accept()
    seen = await bench.once_in_order(dossier)
    said = bench.answers(dossier)
    require(it_is=said[0] in {"no_effect", "unknown"}, seen=f"the adapter said {said[0]} to a 502")
    return f"said {said[0]}, then {seen}"


async def timeout(bench: Bench) -> str:
    """After a time-out the register is read before anything is repeated; what took effect is never there twice."""
    await bench.town.faults({"kind": "timeout_after_effect", "next_calls": 1, "calls": ["changes"], "seconds": 20})
    dossier = await bench.town.accept()
    lane = await bench.told(dossier)
    calls = [one["call"] for one in await bench.calls(dossier)]
    require(
        it_is="dossier" in calls and calls.index("dossier") == 1,
        seen=f"the calls after the one without an answer were {calls[1:]}: it was not read first",
    )
    first = bench.answers(dossier)[0]
    require(it_is=first == "unknown", seen=f"the adapter said {first} of a call without an answer")
    await bench.once_in_order(dossier)
    return f"unknown, read back, then taken; {len(lane)} changes, each once"


async def refused(bench: Bench) -> str:
    """A refusal is reported with the system's words, without the applicant's particulars; other dossiers flow."""
    stopped = await bench.town.accept()
    await bench.told(stopped)
    await bench.town.register("POST", f"/dossiers/{stopped.code}/close", {})
    await bench.town.command(stopped, "withdraw", WITHDRAWAL)
    flowing = await bench.town.accept()
    await bench.once_in_order(flowing)

    async def is_refused() -> bool:
        return str((await bench.town.lane(stopped))[-1]["state"]) == "refused"

    await bench.until(is_refused, "the ledger never said refused")
    last = (await bench.town.lane(stopped))[-1]
    words = f"{last['reason_code']}: {last['message']}"
    require(it_is=last["reason_code"] == "closed", seen=f"the system's code is missing: {words}")
    require(it_is="đã khóa sổ" in last["message"], seen=f"the system's words are missing: {words}")
    if any(one in words for one in PRIVATE.values()):
        raise Failed("the applicant's particulars are in the message to the ledger")
    return f"refused, “{words}”; another dossier flowed"


async def together(bench: Bench) -> str:
    """Several dossiers at once do not wait for each other."""
    door = bench.town.door
    door.is_shut = True
    try:
        dossiers = [await bench.town.accept() for _ in range(4)]
        await bench.town.faults({"kind": "delay", "next_calls": 1, "calls": ["changes"], "seconds": 1.2})
    finally:
        door.is_shut = False
    for dossier in dossiers:
        await bench.once_in_order(dossier)
    firsts = [(await bench.calls(dossier))[0] for dossier in dossiers]
    slow = next((one for one in firsts if one["faults"]), firsts[0])
    n_before = sum(one["no"] < slow["no"] for one in firsts)
    require(it_is=n_before > 0, seen="nothing of other dossiers arrived while one call was slow")
    return f"{n_before} of 3 others arrived while one call took 1.2 s"


async def private(bench: Bench) -> str:
    """The applicant is asked of intake for each sending, and is in no output, no file and no answer of the adapter."""
    dossier = await bench.town.accept()
    n_looks = len(bench.town.door.to(f"/dossiers/{dossier.id}/applicant"))
    await bench.once_in_order(dossier)
    looks = len(bench.town.door.to(f"/dossiers/{dossier.id}/applicant")) - n_looks
    require(it_is=looks > 0, seen="the applicant was never asked of intake for this dossier")
    found = await bench.town.register("GET", f"/dossiers/{dossier.code}")
    name = found["fields"]["applicant_name"]
    require(it_is=name == PRIVATE["full_name"], seen="another name than intake's arrived at the register")
    places = await asyncio.to_thread(_where, bench)
    require(it_is=not places, seen=f"particulars were found in: {', '.join(places)}")
    return f"asked {looks} times; nothing in output, files and answers"


def _where(bench: Bench) -> list[str]:
    """Return where particulars are: what it wrote, and what it told the ledger."""
    private_bytes = [one.encode() for one in PRIVATE.values()]
    escaped = [str(one).encode("unicode_escape") for one in PRIVATE.values()]
    holds = [(str(file.name), file.read_bytes()) for file in bench.adapter.folder.rglob("*") if file.is_file()]
    sent = [(one.path, one.sent) for one in bench.town.door.passages]
    return sorted({where for where, text in holds + sent if any(one in text for one in private_bytes + escaped)})
