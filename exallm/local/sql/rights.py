"""What a user may do: the privileges that the engine knows, and the checks of a statement.

The texts of the errors are Exasol's where public sources show them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from exallm.local.sql_error import SqlError

DBA, PUBLIC = "DBA", "PUBLIC"
DENIED = "42500"

SYSTEM_PRIVILEGES = frozenset(
    (
        "ACCESS ANY CONNECTION",
        "ALTER ANY SCHEMA",
        "ALTER ANY TABLE",
        "ALTER SYSTEM",
        "ALTER USER",
        "CREATE ANY SCRIPT",
        "CREATE ANY TABLE",
        "CREATE ANY VIEW",
        "CREATE CONNECTION",
        "CREATE ROLE",
        "CREATE SCHEMA",
        "CREATE SCRIPT",
        "CREATE SESSION",
        "CREATE TABLE",
        "CREATE USER",
        "CREATE VIEW",
        "DELETE ANY TABLE",
        "DROP ANY CONNECTION",
        "DROP ANY ROLE",
        "DROP ANY SCHEMA",
        "DROP ANY SCRIPT",
        "DROP ANY TABLE",
        "DROP ANY VIEW",
        "DROP USER",
        "EXECUTE ANY SCRIPT",
        "GRANT ANY OBJECT PRIVILEGE",
        "GRANT ANY PRIVILEGE",
        "GRANT ANY ROLE",
        "INSERT ANY TABLE",
        "SELECT ANY DICTIONARY",
        "SELECT ANY TABLE",
        "UPDATE ANY TABLE",
        "USE ANY SCHEMA",
    )
)
# Kind of an object to the privileges that may be granted on it, ALL among them.
OBJECT_PRIVILEGES: Mapping[str, tuple[str, ...]] = {
    "SCHEMA": ("ALTER", "DELETE", "EXECUTE", "INSERT", "SELECT", "UPDATE", "USAGE"),
    "TABLE": ("ALTER", "DELETE", "INSERT", "SELECT", "UPDATE"),
    "VIEW": ("SELECT",),
    "SCRIPT": ("EXECUTE",),
}
_EVERYWHERE = {
    "ALTER": "ALTER ANY TABLE",
    "DELETE": "DELETE ANY TABLE",
    "EXECUTE": "EXECUTE ANY SCRIPT",
    "INSERT": "INSERT ANY TABLE",
    "SELECT": "SELECT ANY TABLE",
    "UPDATE": "UPDATE ANY TABLE",
}
_SHOWS = {
    "TABLE": frozenset(("ALTER", "DELETE", "INSERT", "SELECT", "UPDATE")),
    "VIEW": frozenset(("SELECT",)),
    "SCRIPT": frozenset(("EXECUTE",)),
}


@dataclass(frozen=True)
class Visible:
    """Which objects of a kind a user sees in the system tables.

    :param all: every one; the rest is empty then.
    :param schemas: all in these schemas.
    :param objects: and these, by schema and name.
    """

    all: bool
    schemas: frozenset[str] = frozenset()
    objects: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class Rights:
    """The rights of one user or role, with those of every role that it holds.

    :param user: its name.
    :param grantees: its name, its roles directly and through roles, and PUBLIC.
    :param system: system privileges.
    :param objects: schema, name and privilege; the name is empty for one on the schema.
    :param owned: schemas that belong to it or to one of its roles; all in them belongs to it too.
    :param lent_to: who reads a view of this owner and is not the owner, None outside views.
    """

    user: str
    grantees: frozenset[str]
    system: frozenset[str]
    objects: frozenset[tuple[str, str, str]] = frozenset()
    owned: frozenset[str] = frozenset()
    lent_to: str | None = None

    def has(self, privilege: str) -> bool:
        """Whether it has a system privilege."""
        return privilege in self.system

    def owns(self, schema: str) -> bool:
        """Whether a schema, and so everything in it, belongs to it."""
        return schema in self.owned

    def uses(self, schema: str) -> bool:
        """Whether it may use what it has rights on in a schema."""
        return (
            self.has("USE ANY SCHEMA") or self.owns(schema) or (schema, "", "USAGE") in self.objects
        )

    def sees(self, schema: str) -> bool:
        """Whether a schema is there for it at all."""
        return self.uses(schema) or any(held[0] == schema for held in self.objects)

    def holds(self, privilege: str, schema: str, name: str) -> bool:
        """Whether it has a privilege on an object: its own, its schema's, or everywhere."""
        return (
            self.owns(schema)
            or _EVERYWHERE[privilege] in self.system
            or (schema, name, privilege) in self.objects
            or (schema, "", privilege) in self.objects
        )

    def visible_schemas(self) -> Visible:
        """The schemas that it may use."""
        if self.has("USE ANY SCHEMA"):
            return Visible(all=True)
        usable = {schema for schema, _, privilege in self.objects if privilege == "USAGE"}
        return Visible(all=False, schemas=self.owned | usable)

    def visible(self, kind: str) -> Visible:
        """What it sees of the TABLEs, VIEWs or SCRIPTs."""
        wanted = _SHOWS[kind]
        if any(_EVERYWHERE[privilege] in self.system for privilege in wanted):
            return self.visible_schemas()
        held = [entry for entry in self.objects if entry[2] in wanted and self.uses(entry[0])]
        return Visible(
            all=False,
            schemas=self.owned | {schema for schema, name, _ in held if not name},
            objects=frozenset((schema, name) for schema, name, _ in held if name),
        )

    # --- checks: each raises SqlError 42500 ------------------------------------------------------

    def require(self, privilege: str, kind: str, schema: str, name: str) -> None:
        """A privilege on a table or view.

        :raises SqlError: 42500 without it, without USAGE on the schema, and where the owner of a
            view reads for another user what it could not grant to that user.
        """
        what = f"{privilege} on {kind.lower()} {name}"
        if not self.holds(privilege, schema, name):
            raise denied(f": {what}")
        self._require_usage(what, schema)
        if self.lent_to is not None and not self._lends(schema):
            raise denied(f": {what} must be grantable for {self.user}")

    def require_call(self, schema: str, name: str) -> None:
        """EXECUTE on a UDF script."""
        if not self.holds("EXECUTE", schema, name):
            raise denied(" for calling script")
        self._require_usage(f"EXECUTE on script {name}", schema)

    def require_execution(self, schema: str, name: str) -> None:
        """EXECUTE on a Lua script."""
        if not self.holds("EXECUTE", schema, name):
            raise denied(" for executing a script")
        self._require_usage(f"EXECUTE on script {name}", schema)

    def require_creation(self, kind: str, schema: str) -> None:
        """What a new TABLE, VIEW or SCRIPT in a schema needs."""
        everywhere = f"CREATE ANY {kind}" in self.system
        if not everywhere and not (self.has(f"CREATE {kind}") and self.owns(schema)):
            raise denied(f" for creating {kind.lower()}")
        self._require_usage(f"CREATE {kind}", schema)

    def require_removal(self, kind: str, schema: str, replacing: bool = False) -> None:
        """What it takes to drop or replace an object of a schema, or the SCHEMA itself."""
        if not self.owns(schema) and f"DROP ANY {kind}" not in self.system:
            raise denied(f" for {'replacing' if replacing else 'dropping'} {kind.lower()}")

    def require_system(self, privilege: str, action: str) -> None:
        """A system privilege, for an action that reads as in ``creating user``."""
        if not self.has(privilege):
            raise denied(f" for {action}")

    def require_dictionary(self, table: str) -> None:
        """What it takes to read a system table that shows everybody's objects."""
        if not self.has("SELECT ANY DICTIONARY"):
            raise denied(f": SELECT on table {table}")

    def _require_usage(self, what: str, schema: str) -> None:
        if not self.uses(schema):
            raise denied(f" for {what}: USAGE on schema {schema} needed.")

    def _lends(self, schema: str) -> bool:
        return (
            self.owns(schema)
            or self.has("SELECT ANY TABLE")
            or self.has("GRANT ANY OBJECT PRIVILEGE")
        )


def denied(what: str) -> SqlError:
    """The error for a right that is missing."""
    return SqlError(DENIED, f"insufficient privileges{what}")


def all_rights(user: str) -> Rights:
    """The rights of a user who always has the role DBA."""
    return Rights(user, frozenset((user, DBA, PUBLIC)), SYSTEM_PRIVILEGES)
