"""SQLAlchemy: schemas made and reflected, an ORM's units of work, over two drivers. See drive_psycopg."""

import contextlib
import datetime as dt
import hashlib
import ssl
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any

import sqlalchemy as sa
from rig import Target
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql

Scene = Callable[[Target], Any]


@contextlib.contextmanager
def engine(target: Target, dialect: str, **options: Any) -> Iterator[sa.Engine]:
    arguments: dict[str, Any] = {}
    if dialect == "psycopg":
        arguments = {key: value for key, value in target.libpq().items() if key.startswith(("ssl", "gss"))}
    elif target.ca:
        arguments = {"ssl_context": ssl.create_default_context(cafile=str(target.ca))}
    url = sa.URL.create(
        f"postgresql+{dialect}", target.user, target.password, "127.0.0.1", target.port, target.database
    )
    made = sa.create_engine(url, connect_args=arguments, **options)
    try:
        yield made
    finally:
        made.dispose()


class Base(orm.DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "sa_authors"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(sa.String(40), unique=True)
    born: orm.Mapped[dt.date | None]
    tags: orm.Mapped[list[str]] = orm.mapped_column(postgresql.ARRAY(sa.Text), default=list)
    more: orm.Mapped[dict[str, Any]] = orm.mapped_column(postgresql.JSONB, default=dict)
    books: orm.Mapped[list["Book"]] = orm.relationship(back_populates="author", cascade="all, delete-orphan")


class Book(Base):
    __tablename__ = "sa_books"
    __table_args__ = (sa.CheckConstraint("price >= 0", name="not_negative"), sa.Index("by_title", "title"))
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    title: orm.Mapped[str]
    price: orm.Mapped[Decimal] = orm.mapped_column(sa.Numeric(8, 2))
    author_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("sa_authors.id", ondelete="CASCADE"))
    author: orm.Mapped[Author] = orm.relationship(back_populates="books")


@contextlib.contextmanager
def furnished(target: Target, dialect: str) -> Iterator[sa.Engine]:
    with engine(target, dialect) as made:
        Base.metadata.create_all(made)
        try:
            yield made
        finally:
            Base.metadata.drop_all(made)


def units_of_work(dialect: str, target: Target) -> Any:
    seen: list[Any] = []
    with furnished(target, dialect) as made:
        with orm.Session(made) as session:
            for name in ("Ana", "Bo", "Çelik"):
                books = [Book(title=f"{name} {number}", price=Decimal(number) / 4) for number in range(30)]
                session.add(Author(name=name, born=dt.date(1990, 1, 2), tags=["x", name], more={"n": 1}, books=books))
            session.commit()
        with orm.Session(made) as session:
            query = sa.select(Author).options(orm.selectinload(Author.books)).order_by(Author.name)
            seen += [
                (one.name, one.tags, one.more, len(one.books), one.books[-1].price) for one in session.scalars(query)
            ]
            author = session.scalars(sa.select(Author).where(Author.name == "Bo")).one()
            author.more = author.more | {"changed": [True]}
            author.books = author.books[:5]
            session.flush()
            seen.append(session.scalar(sa.select(sa.func.count()).select_from(Book)))
            with contextlib.suppress(sa.exc.IntegrityError), session.begin_nested():
                session.add(Author(name="Ana"))
                session.flush()
            session.commit()
            grouped = (
                sa.select(Author.name, sa.func.sum(Book.price)).join(Book).group_by(Author.name).order_by(Author.name)
            )
            seen.append([tuple(row) for row in session.execute(grouped)])
            found = session.scalars(sa.select(Author.name).where(Author.more["changed"][0].as_boolean()))
            seen.append(list(found))
            session.delete(author)
            session.commit()
            seen.append(session.scalar(sa.select(sa.func.count()).select_from(Book)))
    return seen


def reflection(dialect: str, target: Target) -> Any:
    with furnished(target, dialect) as made:
        look = sa.inspect(made)
        tables = ("sa_authors", "sa_books")
        seen: list[Any] = [sorted(look.get_table_names()), look.get_schema_names(), look.has_table("no_such_table")]
        for table in tables:
            seen += [
                [{**one, "type": str(one["type"])} for one in look.get_columns(table)],
                look.get_pk_constraint(table), look.get_foreign_keys(table), look.get_indexes(table),
                look.get_check_constraints(table), look.get_unique_constraints(table), look.get_table_comment(table),
            ]  # fmt: skip
        metadata = sa.MetaData()
        metadata.reflect(made, views=True)
        seen.append(sorted(metadata.tables))
        return [str(one) for one in seen]


def core(dialect: str, target: Target) -> Any:
    seen: list[Any] = []
    with furnished(target, dialect) as made:
        books, authors = Base.metadata.tables["sa_books"], Base.metadata.tables["sa_authors"]
        with made.begin() as connection:
            rows = [{"name": f"a{number}", "tags": [], "more": {}} for number in range(1200)]
            statement: Any = sa.insert(authors).returning(sa.column("id"), sort_by_parameter_order=True)
            seen.append(len(connection.execute(statement, rows).all()))
            upsert = postgresql.insert(authors).values(name="a1", tags=["up"], more={})
            again = upsert.on_conflict_do_update(index_elements=["name"], set_={"tags": upsert.excluded.tags})
            seen.append(connection.execute(again.returning(authors.c.tags)).scalar())
            copied = sa.select(authors.c.name, sa.literal(Decimal("2.50")), authors.c.id)
            filling = sa.insert(books).from_select(["title", "price", "author_id"], copied)
            seen.append(connection.execute(filling).rowcount)
        with made.connect() as connection:
            streaming = connection.execution_options(stream_results=True, yield_per=100)
            names = [row.title for row in streaming.execute(sa.select(books).order_by(books.c.title))]
            seen.append(hashlib.sha256(repr(names).encode()).hexdigest())
        numbered = sa.func.row_number().over(order_by=books.c.title)
        ranked = sa.select(books.c.title, numbered.label("place")).cte("ranked")
        with made.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            seen.append([tuple(row) for row in connection.execute(sa.select(ranked).where(ranked.c.place < 4))])
            seen.append(connection.execute(sa.text("show transaction_isolation")).scalar())
            connection.rollback()
        with made.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            seen.append(connection.execute(sa.delete(books).where(books.c.price > 1)).rowcount)
    return seen


def mistakes(dialect: str, target: Target) -> Any:
    seen: list[Any] = []
    with furnished(target, dialect) as made:
        for text in ("select 1/0", "selec", "insert into sa_books values (1, 'x', -1, 1)", "select * from no_such"):
            with made.connect() as connection:
                try:
                    connection.execute(sa.text(text))
                except sa.exc.DBAPIError as error:
                    original: Any = error.orig
                    state = getattr(original, "sqlstate", None) or original.args[0]["C"]
                    seen.append((type(error).__name__, state, error.connection_invalidated))
                seen.append(connection.in_transaction())
                connection.rollback()
                seen.append(connection.execute(sa.text("select :n + 1"), {"n": 1}).scalar())
    with engine(target, dialect, pool_size=2, pool_pre_ping=True) as made:
        for _ in range(4):
            with made.connect() as connection:
                seen.append(connection.execute(sa.text("select 7")).scalar())
        seen.append(made.dialect.server_version_info)
    return seen


SCENES: dict[str, Scene] = {
    f"{scene.__name__.replace('_', ' ')} with {dialect}": partial(scene, dialect)
    for scene in (units_of_work, reflection, core, mistakes)
    for dialect in ("psycopg", "pg8000")
}
