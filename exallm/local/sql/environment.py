"""The columns that names in a query may mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlglot import exp

from exallm.local.sql.kinds import Kind
from exallm.local.sql_error import SqlError


@dataclass(frozen=True)
class OutputColumn:
    """A column of a table or query."""

    name: str
    kind: Kind


@dataclass(frozen=True)
class TranslatedQuery:
    """A query for DuckDB, with the columns that it gives, in order."""

    node: exp.Expr
    columns: tuple[OutputColumn, ...]


@dataclass(frozen=True)
class Source:
    """A table, view or subquery in FROM.

    :param name: by which columns are qualified; None for a subquery without an alias.
    :param schema: of a table that has no alias: its columns may be qualified by it too.
    :param alias: its name in the DuckDB query, unlike any other.
    """

    name: str | None
    schema: str | None
    alias: str
    columns: tuple[OutputColumn, ...]

    def kind(self, column: str) -> Kind | None:
        """The kind of a column, None where there is none of this name.

        :raises SqlError: 42000 where there are two.
        """
        found = [known.kind for known in self.columns if known.name == column]
        if len(found) > 1:
            raise _ambiguous(column)
        return found[0] if found else None


@dataclass
class Environment:
    """The sources of one SELECT, in the order of FROM.

    :param outer: of the query around it, whose columns a subquery may use.
    :param merged: columns that USING made one of two.
    :param aliases: the expressions of the select list that have an alias, by the alias.
    :param aliases_first: whether an alias without LOCAL is one too, as in ORDER BY.
    """

    outer: Environment | None = None
    sources: list[Source] = field(default_factory=list)
    merged: dict[str, Kind] = field(default_factory=dict)
    aliases: dict[str, exp.Expr] = field(default_factory=dict)
    aliases_first: bool = False

    def find(self, name: str, table: str | None, schema: str | None) -> tuple[Source | None, Kind]:
        """The source and kind of a column; no source for one that USING has merged.

        :raises SqlError: 42000 where no source has it, or several do.
        """
        environment: Environment | None = self
        while environment is not None:
            if table is None and name in environment.merged:
                return None, environment.merged[name]
            found = environment._own(name, table, schema)
            if len(found) > 1:
                raise _ambiguous(name)
            if found:
                return found[0]
            environment = environment.outer
        parts = [part for part in (schema, table, name) if part]
        raise SqlError("42000", f"object {'.'.join(parts)} not found")

    def alias(self, name: str, table: exp.Expr | None) -> exp.Expr | None:
        """What ``LOCAL.name`` stands for, or ``name`` in ORDER BY; None for what is no alias.

        :raises SqlError: 42000 where LOCAL stands before another name.
        """
        is_local = (
            isinstance(table, exp.Identifier)
            and table.name.upper() == "LOCAL"
            and not table.args.get("quoted")
        )
        if is_local and name not in self.aliases:
            raise SqlError("42000", f"object LOCAL.{name} not found")
        return (
            self.aliases.get(name) if is_local or (table is None and self.aliases_first) else None
        )

    @contextmanager
    def with_aliases_first(self) -> Iterator[None]:
        """Look names up among the aliases first for a while."""
        before, self.aliases_first = self.aliases_first, True
        try:
            yield
        finally:
            self.aliases_first = before

    @contextmanager
    def without_alias(self, name: str) -> Iterator[None]:
        """Inside the expression of an alias, where the alias itself is no name."""
        node = self.aliases.pop(name)
        before, self.aliases_first = self.aliases_first, False
        try:
            yield
        finally:
            self.aliases[name] = node
            self.aliases_first = before

    def table(self, name: str, schema: str | None) -> Source:
        """The source that ``name.*`` means; :raises SqlError: 42000 where there is none."""
        found = [source for source in self.sources if _is_called(source, name, schema)]
        if len(found) != 1:
            raise SqlError("42000", f"object {name} not found")
        return found[0]

    def add(self, other: Environment) -> None:
        """Take the sources of another one in, after those that are here."""
        self.sources.extend(other.sources)
        self.merged.update(other.merged)

    def names_shared_with(self, other: Environment) -> list[str]:
        """The names of columns that both have, in their order here: what a NATURAL JOIN joins."""
        names = {column.name for column in other.all_columns()}
        return [column.name for column in self.all_columns() if column.name in names]

    def all_columns(self) -> tuple[OutputColumn, ...]:
        """What ``*`` stands for: merged columns once, where they come first."""
        columns: list[OutputColumn] = []
        seen: set[str] = set()
        for source in self.sources:
            for column in source.columns:
                if column.name in self.merged and column.name in seen:
                    continue
                seen.add(column.name)
                columns.append(column)
        return tuple(columns)

    def _own(self, name: str, table: str | None, schema: str | None) -> list[tuple[Source, Kind]]:
        found = []
        for source in self.sources:
            if table is None or _is_called(source, table, schema):
                kind = source.kind(name)
                if kind is not None:
                    found.append((source, kind))
        return found


def _is_called(source: Source, name: str, schema: str | None) -> bool:
    return source.name == name and (schema is None or source.schema == schema)


def _ambiguous(name: str) -> SqlError:
    return SqlError("42000", f"identifier {name} is ambiguous")
