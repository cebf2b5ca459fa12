"""The demo, unattended: every promise is tried through the gate and checked against the truth around it.

The one rule: a step is ok only when what really happened was looked at; being told so is not enough.
"""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from ostiary.demo.people import ADMINISTRATOR, AGENT, SUPPORT
from ostiary.demo.premises import Premises, opened, run
from ostiary.model.errors import OstiaryError

REFUSED = "42501"
PERSONAL = ("email", "full_name", "phone", "ssn", "street")
PEOPLE = (
    "select id, email, full_name, phone, ssn, date_of_birth, street, notes from customers where id <= 200 order by id"
)
TICKET = 4711
SHORT_LIVED = "1s"

Evidence = dict[str, object]
Say = Callable[[dict[str, Any]], None]

_FAILURES = (OstiaryError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TypeError, TimeoutError)


class PromiseBroken(OstiaryError):
    """What was looked at is not what was promised."""

    code = "promise-broken"


@dataclass(slots=True)
class Tour:
    """What the steps share: connections through the gate by who holds them, and one around it, for the truth."""

    premises: Premises
    truth: asyncpg.Connection
    agent: asyncpg.Connection
    support: asyncpg.Connection
    administrator: asyncpg.Connection
    expiring: str


def expect(holds: bool, otherwise: str) -> None:
    """Raise what the step reports when something does not hold."""
    if not holds:
        raise PromiseBroken(otherwise)


async def refusal(connection: asyncpg.Connection, statement: str) -> Evidence:
    """The refusal that a statement meets: an error 42501 with policy or reason in DETAIL, after which work goes on."""
    try:
        await connection.execute(statement)
    except asyncpg.PostgresError as error:
        expect(error.sqlstate == REFUSED, f"{statement}: SQLSTATE {error.sqlstate} instead of {REFUSED}: {error}")
        expect(bool(error.detail or error.hint), f"{statement}: the refusal gives no reason and no next step")
        expect(await connection.fetchval("select 1") == 1, "the session is of no use after the refusal")
        return {"sqlstate": error.sqlstate, "message": str(error), "detail": error.detail, "hint": error.hint}
    raise PromiseBroken(f"{statement} was not refused")


async def agent_reads_masked(tour: Tour) -> Evidence:
    """An agent reads the rows it asks for, and nothing personal in them."""
    masked = await tour.agent.fetch(PEOPLE)
    truth = {row["id"]: row for row in await tour.truth.fetch(PEOPLE)}
    expect([row["id"] for row in masked] == sorted(truth), "the rows are not the same rows")
    for row in masked:
        raw = truth[row["id"]]
        shown = repr(tuple(row.values()))
        for column in PERSONAL:
            expect(raw[column] is None or raw[column] not in shown, f"{column} of customer {row['id']} is in clear")
        expect(row["ssn"].strip() == "*****" + raw["ssn"][-4:], f"ssn of customer {row['id']} is {row['ssn']!r}")
        expect(row["date_of_birth"] is None, "the date of birth is in clear")
    return {"rows": len(masked), "example": {name: str(masked[2][name]) for name in ("email", "full_name", "ssn")}}


async def masked_values_cannot_be_searched(tour: Tour) -> Evidence:
    """A predicate sees what the agent sees: the raw value finds nobody."""
    ssn = await tour.truth.fetchval("select ssn from customers where id = 3")
    found = await tour.agent.fetchval("select count(*) from customers where ssn = $1", ssn)
    expect(found == 0, "a search for a raw value found somebody")
    prefix = await tour.agent.fetchval("select count(*) from customers where ssn like '9%'")
    expect(prefix == 0, "a search for a prefix found somebody")
    return {"found": found}


async def free_text_is_redacted(tour: Tour) -> Evidence:
    """Free text loses what customers wrote of themselves."""
    rows = await tour.agent.fetch("select id, customer_id, body from tickets where id <= 300 order by id")
    people = {
        row["id"]: row
        for row in await tour.truth.fetch(
            "select id, email, phone, ssn from customers where id = any($1)", [row["customer_id"] for row in rows]
        )
    }
    truth = dict(await tour.truth.fetch("select id, body from tickets where id <= 300"))
    changed = 0
    for row in rows:
        person = people[row["customer_id"]]
        for column in ("email", "phone", "ssn"):
            expect(not person[column] or person[column] not in row["body"], f"ticket {row['id']} shows a {column}")
        expect("4000 0000 0000" not in row["body"], f"ticket {row['id']} shows a card number")
        changed += row["body"] != truth[row["id"]]
    expect(changed > 0, "nothing was redacted")
    return {"rows": len(rows), "redacted": changed}


async def administrator_reads_clear(tour: Tour) -> Evidence:
    """The same table, somebody else: policy waives the masks."""
    seen = [tuple(row.values()) for row in await tour.administrator.fetch(PEOPLE)]
    expect(seen == [tuple(row.values()) for row in await tour.truth.fetch(PEOPLE)], "the rows are not the truth")
    return {"rows": len(seen)}


async def drop_is_refused(tour: Tour) -> Evidence:
    """An agent cannot drop a table, although the gate's own role could."""
    before = await tour.truth.fetchval("select count(*) from customers")
    evidence = await refusal(tour.agent, "drop table customers cascade")
    expect("no-ddl-in-production" in str(evidence["detail"]), "the refusal does not name the policy")
    expect(await tour.truth.fetchval("select count(*) from customers") == before, "rows are gone")
    return evidence | {"rows_still_there": before}


async def not_permitted_is_refused(tour: Tour) -> Evidence:
    """What no policy permits is refused."""
    before = await tour.truth.fetchval("select price from products where id = 1")
    evidence = await refusal(tour.agent, "update products set price = 0.01 where id = 1")
    expect(await tour.truth.fetchval("select price from products where id = 1") == before, "the price has changed")
    return evidence


async def update_without_where_is_refused(tour: Tour) -> Evidence:
    """Not even somebody who may update a table may update all of it by mistake."""
    count = "select count(*) from tickets where status = 'closed'"
    before = await tour.truth.fetchval(count)
    evidence = await refusal(tour.support, "update tickets set status = 'closed'")
    expect(await tour.truth.fetchval(count) == before, "tickets were closed")
    return evidence


async def write_under_a_ticket(tour: Tour) -> Evidence:
    """A small fix under a ticket that the token proves needs nobody's approval, and changes what it says."""
    others = "select md5(string_agg(t::text, ',' order by id)) from tickets t where id <> $1"
    before = await tour.truth.fetchval(others, TICKET)
    tag = await tour.support.execute("update tickets set status = 'solved', priority = 5 where id = $1", TICKET)
    expect(tag == "UPDATE 1", f"the answer is {tag!r}")
    row = await tour.truth.fetchrow("select status, priority from tickets where id = $1", TICKET)
    expect(row is not None and tuple(row.values()) == ("solved", 5), f"the row is {row!r}")
    expect(await tour.truth.fetchval(others, TICKET) == before, "other rows have changed")
    without = await refusal(tour.agent, f"update tickets set priority = 1 where id = {TICKET}")
    return {"answer": tag, "without_a_ticket": without["message"]}


async def bulk_reading_is_stopped(tour: Tour) -> Evidence:
    """An agent reads pages, not tables: the cap holds, whatever the statement."""
    evidence = await refusal(tour.agent, "select * from orders")
    page = await tour.agent.fetch("select * from orders order by id limit 1000")
    expect(len(page) == 1000, f"a page has {len(page)} rows")
    return evidence


async def too_many_rows_are_rolled_back(tour: Tour) -> Evidence:
    """A waiver's bound is kept by what really happens, not by an estimate."""
    count = "select count(*) from tickets where priority = 1"
    before = await tour.truth.fetchval(count)
    evidence = await refusal(tour.support, "update tickets set priority = 1 where id between 100 and 200")
    expect(await tour.truth.fetchval(count) == before, "more rows have changed than the waiver allows")
    return evidence


async def expired_token_is_refused(tour: Tour) -> Evidence:
    """A token is good until it expires, and not longer. The gate allows for no skew of its own issuer's clock."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            connection = await asyncpg.connect(tour.premises.url(tour.expiring))
        except asyncpg.InvalidAuthorizationSpecificationError as error:
            return {"sqlstate": error.sqlstate, "message": str(error)}
        await connection.close()
        await asyncio.sleep(0.2)
    raise PromiseBroken("a token that expired long ago is still good")


async def record_is_found(tour: Tour) -> Evidence:
    """What was asked stands in the record, the refused and the permitted alike."""
    answer = await run("audit", "search", "--config", str(tour.premises.configuration), "--limit", "1000", "--json")
    expect(answer.code == 0, f"audit search failed: {answer.complaint.strip()}")
    text = answer.output.lower()
    for shape in ("drop table customers", "update products set price", "update tickets set status"):
        expect(shape in text, f"no record of: {shape}")
    ssn = await tour.truth.fetchval("select ssn from customers where id = 3")
    expect(ssn not in text, "a raw value is in the record")
    return {"records": len([line for line in answer.output.splitlines() if line.startswith("{")])}


async def record_is_verified(tour: Tour) -> Evidence:
    """The record verifies; with one bit changed, a copy of it does not."""
    for connection in (tour.agent, tour.support, tour.administrator):
        await connection.close()
    expect(await tour.premises.stop_gate() == 0, "the gate did not end in order")
    answer = await run("audit", "verify", str(tour.premises.state))
    expect(answer.code == 0, f"the record does not verify: {(answer.complaint or answer.output).strip()}")
    copy = tour.premises.folder / "tampered"
    shutil.copytree(tour.premises.state, copy)
    place = _flip_one_bit(copy)
    tampered = await run("audit", "verify", str(copy))
    expect(tampered.code == 1, f"a changed record verifies, with exit code {tampered.code}")
    return {"verified": answer.output.strip()[-300:], "tampered": place, "then": tampered.complaint.strip()[-300:]}


def _flip_one_bit(state: Path) -> str:
    """Change one bit of a recorded statement in a copy of a state folder; where."""
    for path in sorted(state.rglob("*")):
        if not path.is_file():
            continue
        data = bytearray(path.read_bytes())
        place = data.find(b"customers")
        if place >= 0:
            data[place] ^= 1
            path.write_bytes(data)
            return f"{path.relative_to(state)}, byte {place}"
    raise PromiseBroken("no file of the state holds what was recorded")


STEPS: Sequence[tuple[str, Callable[[Tour], Awaitable[Evidence]]]] = (
    ("agent-reads-masked", agent_reads_masked),
    ("masked-values-cannot-be-searched", masked_values_cannot_be_searched),
    ("free-text-is-redacted", free_text_is_redacted),
    ("bulk-reading-is-stopped", bulk_reading_is_stopped),
    ("administrator-reads-clear", administrator_reads_clear),
    ("drop-is-refused", drop_is_refused),
    ("not-permitted-is-refused", not_permitted_is_refused),
    ("update-without-where-is-refused", update_without_where_is_refused),
    ("write-under-a-ticket", write_under_a_ticket),
    ("too-many-rows-are-rolled-back", too_many_rows_are_rolled_back),
    ("expired-token-is-refused", expired_token_is_refused),
    ("record-is-found", record_is_found),
    ("record-is-verified", record_is_verified),
)


async def tour(say: Say, complain: Callable[[str], None]) -> bool:
    """Walk the tour; tell each step as an object; whether every step was ok. `complain` gets the gate's own words."""
    begun = time.monotonic()
    held = []
    try:
        async with opened() as premises:
            say({"step": "start", "ok": True, "seconds": _since(begun), "listens": premises.port})
            held = await _walk(premises, say)
            if not all(held):
                complain(premises.complaints())
    except _FAILURES as error:
        held.append(False)
        say({"step": "premises", "ok": False, "because": f"{type(error).__name__}: {error}"})
    say({"step": "end", "ok": all(held), "steps": len(held), "seconds": _since(begun)})
    return all(held)


async def _walk(premises: Premises, say: Say) -> list[bool]:
    try:
        walk = await _met(premises)
    except _FAILURES as error:
        say({"step": "connect", "ok": False, "because": f"{type(error).__name__}: {error}"})
        return [False]
    held = [await _walked(name, step, walk, say) for name, step in STEPS]
    await walk.truth.close()
    return held


async def _met(premises: Premises) -> Tour:
    agent, support, administrator, expiring = await asyncio.gather(
        premises.token("shop-agent", *AGENT),
        premises.token("support-agent", *SUPPORT),
        premises.token("dora", *ADMINISTRATOR),
        premises.token("shop-agent", *AGENT, "--ttl", SHORT_LIVED),
    )
    return Tour(
        premises,
        truth=await asyncpg.connect(premises.shop.truth_url),
        agent=await asyncpg.connect(premises.url(agent)),
        support=await asyncpg.connect(premises.url(support)),
        administrator=await asyncpg.connect(premises.url(administrator)),
        expiring=expiring,
    )


async def _walked(name: str, step: Callable[[Tour], Awaitable[Evidence]], walk: Tour, say: Say) -> bool:
    begun = time.monotonic()
    try:
        evidence, held = await step(walk), True
    # Whatever goes wrong in a step is that step's result; the others are still worth walking.
    except _FAILURES as error:
        evidence, held = {"because": f"{type(error).__name__}: {error}"}, False
    say({"step": name, "ok": held, "seconds": _since(begun), **evidence})
    return held


def _since(begun: float) -> float:
    return round(time.monotonic() - begun, 2)


def as_line(said: dict[str, Any]) -> str:
    """One JSON object on one line."""
    return orjson.dumps(said, default=str).decode()
