"""The statements about users, roles and rights: who may run them, and what they change."""

from __future__ import annotations

import duckdb

from exallm.local.engine.catalog import Catalog
from exallm.local.engine.grants import Grants
from exallm.local.engine.principals import SYS, Principals, not_found
from exallm.local.engine.rights_reader import RightsReader
from exallm.local.sql import rights_statements as kinds
from exallm.local.sql.refusal import refused
from exallm.local.sql.rights import OBJECT_PRIVILEGES, denied
from exallm.local.sql.statements import DropObject
from exallm.local.sql.token_reader import QualifiedName
from exallm.local.sql_error import SqlError


class Administration:
    """Runs the statements about rights for the session's user.

    :param rights: of the session; what a statement changes holds from the next one on.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, catalog: Catalog, rights: RightsReader
    ) -> None:
        self._catalog = catalog
        self._rights = rights
        self._principals = Principals(connection)
        self._grants = Grants(connection)

    def run(self, statement: kinds.RightsStatement, current_schema: str | None) -> None:
        """Run a statement.

        :raises SqlError: 42500 for a missing right, 42000 for names that mean nothing.
        """
        match statement:
            case kinds.CreateUser():
                self._require("CREATE USER", "creating user")
                self._principals.create("USER", statement.name, statement.password)
            case kinds.CreateRole():
                self._require("CREATE ROLE", "creating role")
                self._principals.create("ROLE", statement.name)
            case kinds.ChangePassword():
                self._change_password(statement)
            case kinds.DropPrincipal():
                self._drop(statement)
            case kinds.ChangeOwner():
                self._change_owner(statement)
            case kinds.SystemGrant():
                self._grant_privileges(statement)
            case kinds.RoleGrant():
                self._grant_roles(statement)
            case kinds.ObjectGrant():
                self._grant_on_object(statement, current_schema)
        self._rights.forget()

    def comment(self, kind: str, name: str, remark: str | None) -> None:
        """``COMMENT ON USER`` and ``COMMENT ON ROLE``."""
        self._require(f"CREATE {kind}", f"commenting on {kind.lower()}")
        self._principals.require(kind, name)
        self._principals.comment(name, remark)

    def _require(self, privilege: str, action: str) -> None:
        self._rights.own().require_system(privilege, action)

    # --- users, roles and owners -----------------------------------------------------------------

    def _change_password(self, statement: kinds.ChangePassword) -> None:
        own = self._rights.own()
        if not own.has("ALTER USER"):
            if statement.user != own.user:
                raise denied(" for altering user")
            # Whoever finds a session open shall not take the account over with it.
            old = statement.old_password
            if old is None or not self._principals.knows(own.user, old.encode()):
                raise SqlError("42000", "invalid old password: name it after REPLACE")
        self._principals.require("USER", statement.user)
        if statement.user == SYS:
            raise refused(60, "ALTER USER SYS", "its password lies in the engine's folder")
        self._principals.change_password(statement.user, statement.password)

    def _drop(self, statement: kinds.DropPrincipal) -> None:
        kind, name = statement.kind, statement.name
        is_own = kind == "ROLE" and self._grants.administers_role(self._rights.own().user, name)
        if not is_own:
            self._require(
                "DROP USER" if kind == "USER" else "DROP ANY ROLE", f"dropping {kind.lower()}"
            )
        if not self._principals.exists(kind, name):
            if statement.if_exists:
                return
            raise not_found(kind, name)
        self._principals.require_droppable(name)
        schemas = self._principals.schemas_of(name)
        if schemas and not statement.cascade:
            raise SqlError(
                "42000",
                f"{kind.lower()} {name} owns schema {schemas[0]}: use DROP {kind} ... CASCADE",
            )
        for schema in schemas:
            self._catalog.drop(DropObject("SCHEMA", QualifiedName(None, schema), False, True), None)
        self._principals.drop(name)

    def _change_owner(self, statement: kinds.ChangeOwner) -> None:
        if not self._catalog.has_schema(statement.schema):
            raise SqlError("42000", f"schema {statement.schema} not found")
        self._require("ALTER ANY SCHEMA", "altering schema")
        self._require_grantee(statement.owner)
        self._catalog.change_owner(statement.schema, statement.owner)

    # --- GRANT and REVOKE ------------------------------------------------------------------------

    def _grant_privileges(self, statement: kinds.SystemGrant) -> None:
        own = self._rights.own()
        for privilege in statement.privileges:
            if not own.has("GRANT ANY PRIVILEGE") and not self._grants.administers_privilege(
                own.user, privilege
            ):
                raise denied(f": {privilege} is not grantable")
            for grantee in statement.grantees:
                self._require_grantee(grantee)
                if statement.revoke:
                    self._grants.remove_privilege(privilege, grantee)
                else:
                    self._grants.add_privilege(privilege, grantee, statement.with_admin)

    def _grant_roles(self, statement: kinds.RoleGrant) -> None:
        own = self._rights.own()
        for role in statement.roles:
            self._principals.require("ROLE", role)
            if not own.has("GRANT ANY ROLE") and not self._grants.administers_role(own.user, role):
                raise denied(f": role {role} is not grantable")
            for grantee in statement.grantees:
                self._require_grantee(grantee)
                if statement.revoke:
                    self._grants.remove_role(role, grantee)
                else:
                    self._grants.add_role(role, grantee, statement.with_admin)

    def _grant_on_object(self, statement: kinds.ObjectGrant, current_schema: str | None) -> None:
        own = self._rights.own()
        kind, schema, name = self._object(statement, current_schema)
        if not own.sees(schema):
            raise SqlError("42000", f"schema {schema} not found")
        known = OBJECT_PRIVILEGES[kind]
        for privilege in statement.privileges:
            if privilege not in known:
                raise SqlError(
                    "42000", f"privilege {privilege} cannot be granted on a {kind.lower()}"
                )
        if not own.has("GRANT ANY OBJECT PRIVILEGE") and not own.owns(schema):
            raise denied(f": privileges on {kind.lower()} {name or schema} are not grantable")
        for privilege in statement.privileges or known:
            for grantee in statement.grantees:
                self._require_grantee(grantee)
                if statement.revoke:
                    self._grants.remove_object((schema, name), privilege, grantee)
                else:
                    place = (schema, name)
                    self._grants.add_object(kind, place, privilege, grantee, own.user)

    def _object(
        self, statement: kinds.ObjectGrant, current_schema: str | None
    ) -> tuple[str, str, str]:
        """Kind, schema and name of the object; the name is empty for a schema."""
        name = statement.name
        if statement.kind == "SCHEMA":
            if name.schema is None and self._catalog.has_schema(name.name):
                return "SCHEMA", name.name, ""
            raise SqlError("42000", f"schema {name.name} not found")
        schema = name.schema or current_schema
        for kind in (statement.kind,) if statement.kind else ("TABLE", "VIEW", "SCRIPT"):
            if schema is not None and self._catalog.exists(kind, schema, name.name):
                return kind, schema, name.name
        if statement.kind is None and name.schema is None and self._catalog.has_schema(name.name):
            return "SCHEMA", name.name, ""
        shown = f"{name.schema}.{name.name}" if name.schema else name.name
        raise SqlError("42000", f"object {shown} not found")

    def _require_grantee(self, name: str) -> None:
        if self._principals.kind(name) is None:
            raise SqlError("42000", f"user or role {name} not found")
