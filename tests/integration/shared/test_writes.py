"""One statement for a whole command writes exactly what an ordinary flush would have written."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import BigInteger, DateTime, LargeBinary, Numeric, SmallInteger, Text, delete, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.orm.exc import StaleDataError

from shared.db import Sessions
from shared.writes import write_as_one
from tests.integration.shared.spine import Spine


class Colour(StrEnum):
    RED = "red"


class Base(DeclarativeBase):
    type_annotation_map = {str: Text, bytes: LargeBinary, dict[str, Any]: JSONB}  # noqa: RUF012


class Thing(Base):
    """A row with a column of every kind the services use, and defaults on both sides."""

    __tablename__ = "thing"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    colour: Mapped[str]
    data: Mapped[dict[str, Any]]
    nothing: Mapped[dict[str, Any] | None]
    price: Mapped[Decimal | None] = mapped_column(Numeric)
    big: Mapped[int] = mapped_column(BigInteger)
    small: Mapped[int] = mapped_column(SmallInteger)
    raw: Mapped[bytes]
    codes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    instants: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    is_final: Mapped[bool]
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=text("clock_timestamp()"))
    n_tries: Mapped[int | None] = mapped_column(default=7)
    other_name: Mapped[str] = mapped_column("differently", server_default="there")


TABLE = """CREATE TABLE thing (id uuid PRIMARY KEY, name text NOT NULL, colour text NOT NULL, data jsonb NOT NULL,
    nothing jsonb, price numeric, big bigint NOT NULL, small smallint NOT NULL, raw bytea NOT NULL,
    codes text[] NOT NULL, instants timestamptz[] NOT NULL, at timestamptz NOT NULL, is_final boolean NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(), n_tries int, differently text NOT NULL DEFAULT 'there')"""


def thing(**given: Any) -> Thing:
    values = {
        "id": uuid4(), "name": "Nguyễn Văn Thử 'x'; DROP TABLE thing --", "colour": Colour.RED, "big": 2**62,
        "data": {"a": [1, None, {"ữ": "ộ", "q": '"'}], "float": 0.1}, "nothing": None, "price": Decimal("12.50"),
        "small": -3, "raw": b"\x00\xff", "codes": ["a", 'b,"c"'], "at": datetime(2026, 1, 1, tzinfo=UTC),
        "is_final": True, "instants": [datetime(2026, 1, 1, 7, 30, 0, 123456, tzinfo=UTC)],
    }  # fmt: skip
    return Thing(**(values | given))


@dataclass
class Store:
    sessions: Sessions

    async def add(self, *things: Any, as_one: bool = True) -> None:
        async with self.sessions.begin() as session:
            session.add_all(things)
            if as_one:
                await write_as_one(session)

    async def rows(self, *columns: str) -> list[Any]:
        async with self.sessions() as session:
            return list((await session.execute(text(f"SELECT {', '.join(columns)} FROM thing ORDER BY id"))).all())


@pytest.fixture
async def store(pair: Spine) -> Store:
    await pair.rows("intake", TABLE)
    return Store(pair.service("intake").sessions)


EVERYTHING = (
    "name", "colour", "data::text", "nothing::text", "price", "big", "small", "raw", "codes", "at", "is_final",
    "differently",
)  # fmt: skip


async def test_a_new_row_is_written_as_the_ordinary_flush_writes_it(store: Store) -> None:
    await store.add(thing(), as_one=False)
    await store.add(thing())
    flushed, written = await store.rows(*EVERYTHING)
    assert flushed == written
    assert written.colour == "red"
    assert all(row.made_at for row in await store.rows("made_at"))


async def test_many_new_rows_of_one_shape_and_rows_of_another_go_in_one_statement(store: Store) -> None:
    await store.add(*(thing(name=str(n), nothing={"n": n} if n % 2 else None) for n in range(40)), thing(price=None))
    assert len(await store.rows("id")) == 41


async def test_a_default_of_the_mapping_is_written(store: Store) -> None:
    await store.add(thing())
    assert [row.n_tries for row in await store.rows("n_tries")] == [7]


async def test_a_changed_row_is_written_as_the_ordinary_flush_writes_it(store: Store) -> None:
    ids = [uuid4(), uuid4()]
    await store.add(*(thing(id=one) for one in ids))
    for as_one, one in enumerate(ids):
        async with store.sessions.begin() as session:
            row = await session.get_one(Thing, one)
            row.name, row.colour, row.data, row.price = "ộ", Colour.RED, {"new": None}, None
            row.nothing, row.other_name, row.codes, row.raw = {"now": 1}, "changed", [], b""
            if as_one:
                await write_as_one(session)
    flushed, written = await store.rows(*EVERYTHING)
    assert flushed == written
    assert written.differently == "changed"


async def test_an_unchanged_row_is_not_written(store: Store) -> None:
    one = uuid4()
    await store.add(thing(id=one))
    (before,) = await store.rows("xmin")
    async with store.sessions.begin() as session:
        row = await session.get_one(Thing, one)
        row.name = str(row.name)
        await write_as_one(session)
    assert await store.rows("xmin") == [before]


async def test_new_changed_and_deleted_rows_together_are_all_written(store: Store) -> None:
    gone, kept, fresh = uuid4(), uuid4(), uuid4()
    await store.add(thing(id=gone), thing(id=kept))
    async with store.sessions.begin() as session:
        await session.delete(await session.get_one(Thing, gone))
        (await session.get_one(Thing, kept)).name = "changed"
        session.add(thing(id=fresh))
        await write_as_one(session)
    assert {(row.id, row.name == "changed") for row in await store.rows("id", "name")} == {(kept, True), (fresh, False)}


async def test_a_row_that_is_gone_by_now_is_not_updated_silently(store: Store) -> None:
    one = uuid4()
    await store.add(thing(id=one))
    async with store.sessions() as session:
        row = await session.scalar(select(Thing))
        assert row is not None
        async with store.sessions.begin() as other:
            await other.execute(delete(Thing))
        row.name = "lost"
        with pytest.raises(StaleDataError):
            await write_as_one(session)
