"""One statement for a whole command writes exactly what SQLAlchemy's own session would have written."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import pytest
from asyncpg import PostgresError
from asyncpg.exceptions import InFailedSQLTransactionError
from sqlalchemy import BigInteger, DateTime, LargeBinary, Numeric, SmallInteger, Text, bindparam, delete, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.pool import NullPool

from shared.session import Sessions
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

    async def add(self, *things: Any) -> None:
        async with self.sessions.begin() as session:
            for one in things:
                session.add(one)

    @asynccontextmanager
    async def by_the_book(self) -> AsyncIterator[AsyncSession]:
        """A session of SQLAlchemy's own, the judge."""
        engine = create_async_engine(self.sessions.url, poolclass=NullPool)
        async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
            yield session
        await engine.dispose()

    async def rows(self, *columns: str) -> list[Any]:
        async with self.sessions() as session:
            return list(await session.execute(text(f"SELECT {', '.join(columns)} FROM thing ORDER BY id")))


@pytest.fixture
async def store(pair: Spine) -> Store:
    await pair.rows("intake", TABLE)
    return Store(pair.service("intake").sessions)


EVERYTHING = (
    "name", "colour", "data::text", "nothing::text", "price", "big", "small", "raw", "codes", "at", "is_final",
    "differently",
)  # fmt: skip


async def test_a_new_row_is_written_as_the_ordinary_flush_writes_it(store: Store) -> None:
    first, second = sorted((uuid4(), uuid4()))
    async with store.by_the_book() as session:
        session.add(thing(id=first))
    await store.add(thing(id=second))
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
    openers: list[Any] = [store.by_the_book, store.sessions.begin]
    for opened, one in zip(openers, ids, strict=True):
        async with opened() as session:
            row = await session.get_one(Thing, one)
            row.name, row.colour, row.data, row.price = "ộ", Colour.RED, {"new": None}, None
            row.nothing, row.other_name, row.codes, row.raw = {"now": 1}, "changed", [], b""
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
    assert await store.rows("xmin") == [before]


async def test_new_changed_and_deleted_rows_together_are_all_written(store: Store) -> None:
    gone, kept, fresh = uuid4(), uuid4(), uuid4()
    await store.add(thing(id=gone), thing(id=kept))
    async with store.sessions.begin() as session:
        session.delete(await session.get_one(Thing, gone))
        (await session.get_one(Thing, kept)).name = "changed"
        session.add(thing(id=fresh))
    assert {(row.id, row.name == "changed") for row in await store.rows("id", "name")} == {(kept, True), (fresh, False)}


async def test_a_row_that_is_gone_by_now_is_not_updated_silently(store: Store) -> None:
    one = uuid4()
    await store.add(thing(id=one))

    async def change() -> None:
        async with store.sessions() as session:
            row = await session.get_one(Thing, one)
            async with store.sessions.begin() as other:
                await other.execute(delete(Thing))
            row.name = "lost"

    with pytest.raises(StaleDataError):
        await change()


async def test_what_was_read_is_one_object_however_often_it_is_read(store: Store) -> None:
    one = uuid4()
    await store.add(thing(id=one))
    async with store.sessions.begin() as session:
        row = await session.get_one(Thing, one)
        row.name = "set here"
        (again,) = await session.scalars(select(Thing))
        assert again is row
        assert again.name == "set here"
    assert [row.name for row in await store.rows("name")] == ["set here"]


async def test_a_new_row_that_is_deleted_again_is_never_written(store: Store) -> None:
    async with store.sessions.begin() as session:
        made = thing()
        session.add(made)
        session.delete(made)
        assert await session.get(Thing, made.id) is None
    assert await store.rows("id") == []


@pytest.mark.parametrize("uniform", [False, True])
async def test_a_new_row_may_take_the_place_of_a_deleted_one(store: Store, uniform: bool) -> None:
    ids = sorted(uuid4() for _ in range(2))
    await store.add(*(thing(id=one, name="trước", n_tries=1) for one in ids))
    async with store.sessions.begin(uniform=uniform) as session:
        for one in ids:
            session.delete(await session.get_one(Thing, one))
            new = thing(id=one, price=None)
            session.add(new)
            new.name = "sau"  # also what is set after it was added
        assert (await session.get_one(Thing, ids[0])).name == "sau"
    assert [(row.name, row.price, row.n_tries) for row in await store.rows("name", "price", "n_tries")] == [
        ("sau", None, 7)
    ] * 2


async def test_one_that_took_the_place_of_another_can_be_deleted_too(store: Store) -> None:
    one = uuid4()
    await store.add(thing(id=one))
    async with store.sessions.begin() as session:
        session.delete(await session.get_one(Thing, one))
        new = thing(id=one)
        session.add(new)
        session.delete(new)
    assert await store.rows("id") == []


async def test_what_was_read_equals_what_sqlalchemy_itself_reads(store: Store) -> None:
    await store.add(thing(), thing(nothing={"n": 1}, price=None))
    async with store.by_the_book() as session:
        by_the_book = list(await session.scalars(select(Thing).order_by(Thing.id)))
    async with store.sessions() as session:
        read = list(await session.scalars(select(Thing).order_by(Thing.id)))
    names = Thing.__mapper__.column_attrs.keys()
    assert [[getattr(row, name) for name in names] for row in read] == [
        [getattr(row, name) for name in names] for row in by_the_book
    ]


async def test_a_transaction_that_failed_within_does_not_commit_silently(store: Store) -> None:
    async def swallow() -> None:
        async with store.sessions.begin() as session:
            with suppress(PostgresError):
                await session.execute(text("SELECT 1/0"))

    with pytest.raises(InFailedSQLTransactionError):
        await swallow()
    async with store.sessions.begin() as session:
        assert await session.scalar(text("SELECT 1")) == 1


async def test_a_cancelled_transaction_leaves_its_connection_usable(store: Store) -> None:
    async def slow() -> None:
        async with store.sessions.begin() as session:
            session.add(thing())
            await session.flush()
            await session.execute(text("SELECT pg_sleep(30)"))

    task = asyncio.create_task(slow())
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.rows("id") == []


async def test_lists_in_a_statement_and_values_put_into_its_text_are_taken(store: Store) -> None:
    ids = [uuid4() for _ in range(3)]
    await store.add(*(thing(id=one, name=str(n)) for n, one in enumerate(ids)))
    async with store.sessions() as session:
        assert {row.id for row in await session.scalars(select(Thing).where(Thing.id.in_(ids[:2])))} == set(ids[:2])
        literal: Any = bindparam("names", expanding=True, literal_execute=True)
        for names in (["0"], ["1", "2"], []):
            found = await session.scalars(select(Thing.name).where(Thing.name.in_(literal)), {"names": names})
            assert sorted(found) == names
