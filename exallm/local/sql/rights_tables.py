"""Exasol's system tables about users, roles and rights, as DuckDB queries for one user."""

from __future__ import annotations

from collections.abc import Callable, Collection

from exallm.local.sql.names import text_literal
from exallm.local.sql.rights import SYSTEM_PRIVILEGES, Rights


def text_list(names: Collection[str], ordered: bool = False) -> str:
    """Names as SQL text literals between commas, in order or sorted; NULL where there is none."""
    listed = names if ordered else sorted(names)
    return ", ".join(map(text_literal, listed)) or "NULL"


_USERS = """
    SELECT name AS USER_NAME, created AS CREATED, remark AS USER_COMMENT
    FROM _exallm.principals WHERE kind = 'USER'
"""
_ROLES = """
    SELECT name AS ROLE_NAME, created AS CREATED, remark AS ROLE_COMMENT
    FROM _exallm.principals WHERE kind = 'ROLE'
"""
# DBA has every privilege that there is, so none of them is stored for it.
_SYSTEM = f"""
    SELECT DISTINCT grantee AS GRANTEE, privilege AS PRIVILEGE, admin_option AS ADMIN_OPTION
    FROM _exallm.system_privileges WHERE grantee <> 'DBA'
    UNION ALL
    SELECT 'DBA', unnest([{text_list(SYSTEM_PRIVILEGES)}]), TRUE
"""
_ROLE_GRANTS = """
    SELECT DISTINCT grantee AS GRANTEE, role AS GRANTED_ROLE, admin_option AS ADMIN_OPTION
    FROM _exallm.role_grants
"""
_ON_OBJECTS = """
    SELECT DISTINCT CASE WHEN p.name <> '' THEN p.schema_name END AS OBJECT_SCHEMA,
        coalesce(nullif(p.name, ''), p.schema_name) AS OBJECT_NAME, p.kind AS OBJECT_TYPE,
        p.privilege AS PRIVILEGE, p.grantee AS GRANTEE, p.grantor AS GRANTOR, s.owner AS OWNER
    FROM _exallm.object_privileges p JOIN _exallm.schemas s ON s.name = p.schema_name
"""


def _of(query: str, condition: str) -> str:
    return f"SELECT * FROM ({query}) WHERE {condition}"


def _roles(rights: Rights) -> str:
    """The roles of a user, as literals."""
    return text_list(rights.grantees - {rights.user})


def _me(rights: Rights) -> str:
    return text_list([rights.user])


def _all_object_privileges(rights: Rights) -> str:
    held = text_list(rights.grantees)
    return _of(_ON_OBJECTS, f"GRANTEE IN ({held}) OR OWNER IN ({held})")


def _user_object_privileges(rights: Rights) -> str:
    return _of(_ON_OBJECTS, f"GRANTEE IN ({_me(rights)}) OR GRANTOR IN ({_me(rights)})")


def _session_privileges(rights: Rights) -> str:
    every = f"SELECT unnest([{text_list(SYSTEM_PRIVILEGES)}]) AS PRIVILEGE"
    return _of(every, f"PRIVILEGE IN ({text_list(rights.system)})")


RIGHTS_TABLES: dict[str, Callable[[Rights], str]] = {
    "EXA_ALL_USERS": lambda _: _USERS,
    "EXA_DBA_USERS": lambda _: _USERS,
    "EXA_USER_USERS": lambda rights: _of(_USERS, f"USER_NAME IN ({_me(rights)})"),
    "EXA_ALL_ROLES": lambda _: _ROLES,
    "EXA_DBA_ROLES": lambda _: _ROLES,
    "EXA_DBA_SYS_PRIVS": lambda _: _SYSTEM,
    "EXA_USER_SYS_PRIVS": lambda rights: _of(_SYSTEM, f"GRANTEE IN ({_me(rights)})"),
    "EXA_ROLE_SYS_PRIVS": lambda rights: _of(_SYSTEM, f"GRANTEE IN ({_roles(rights)})"),
    "EXA_DBA_ROLE_PRIVS": lambda _: _ROLE_GRANTS,
    "EXA_USER_ROLE_PRIVS": lambda rights: _of(_ROLE_GRANTS, f"GRANTEE IN ({_me(rights)})"),
    "EXA_ROLE_ROLE_PRIVS": lambda rights: _of(_ROLE_GRANTS, f"GRANTEE IN ({_roles(rights)})"),
    "EXA_DBA_OBJ_PRIVS": lambda _: _ON_OBJECTS,
    "EXA_ALL_OBJ_PRIVS": _all_object_privileges,
    "EXA_USER_OBJ_PRIVS": _user_object_privileges,
    "EXA_ROLE_OBJ_PRIVS": lambda rights: _of(_ON_OBJECTS, f"GRANTEE IN ({_roles(rights)})"),
    "EXA_SESSION_PRIVS": _session_privileges,
    "EXA_SESSION_ROLES": lambda rights: _of(_ROLES, f"ROLE_NAME IN ({_roles(rights)})"),
}
