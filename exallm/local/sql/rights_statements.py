"""Users, roles and rights: CREATE, ALTER and DROP USER, CREATE and DROP ROLE, GRANT, REVOKE."""

from __future__ import annotations

from dataclasses import dataclass, field

from exallm.local.sql.refusal import refused, syntax_error
from exallm.local.sql.rights import OBJECT_PRIVILEGES, SYSTEM_PRIVILEGES
from exallm.local.sql.token_reader import QualifiedName, TokenReader

_OBJECT_PRIVILEGES = frozenset(name for names in OBJECT_PRIVILEGES.values() for name in names)
_ALL = ("ALL", "ALL PRIVILEGES")
# What Exasol grants by one word and the engine does not have: no role may be meant by it.
_UNSUPPORTED = ("EXPORT", "IMPORT", "REFERENCES", "REFRESH")


@dataclass(frozen=True)
class CreateUser:
    """``CREATE USER name IDENTIFIED BY password``."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class CreateRole:
    """``CREATE ROLE name``."""

    name: str


@dataclass(frozen=True)
class ChangePassword:
    """``ALTER USER name IDENTIFIED BY password [REPLACE old]``."""

    user: str
    password: str = field(repr=False)
    old_password: str | None = field(repr=False)


@dataclass(frozen=True)
class DropPrincipal:
    """``DROP USER | ROLE [IF EXISTS] name [CASCADE]``."""

    kind: str
    name: str
    if_exists: bool
    cascade: bool


@dataclass(frozen=True)
class ChangeOwner:
    """``ALTER SCHEMA name CHANGE OWNER user_or_role``."""

    schema: str
    owner: str


@dataclass(frozen=True)
class SystemGrant:
    """``GRANT`` or ``REVOKE`` of system privileges."""

    revoke: bool
    privileges: tuple[str, ...]
    grantees: tuple[str, ...]
    with_admin: bool


@dataclass(frozen=True)
class RoleGrant:
    """``GRANT`` or ``REVOKE`` of roles."""

    revoke: bool
    roles: tuple[str, ...]
    grantees: tuple[str, ...]
    with_admin: bool


@dataclass(frozen=True)
class ObjectGrant:
    """``GRANT`` or ``REVOKE`` of privileges on one object.

    :param privileges: by name; empty for ALL.
    :param kind: SCHEMA, TABLE, VIEW or SCRIPT, None where the statement does not say.
    """

    revoke: bool
    privileges: tuple[str, ...]
    kind: str | None
    name: QualifiedName
    grantees: tuple[str, ...]


RightsStatement = (
    CreateUser
    | CreateRole
    | ChangePassword
    | DropPrincipal
    | ChangeOwner
    | SystemGrant
    | RoleGrant
    | ObjectGrant
)


def read_rights_statement(reader: TokenReader) -> RightsStatement | None:
    """The statement, None where it is of another kind.

    :raises SqlError: 42000 for wrong syntax, 0A000 for what the engine does not have.
    """
    if reader.accept("CREATE", "USER"):
        name = _principal(reader)
        return reader.finish(CreateUser(name, _new_password(reader, f"CREATE USER {name}")))
    if reader.accept("CREATE", "ROLE"):
        return reader.finish(CreateRole(_principal(reader)))
    if reader.accept("ALTER", "USER"):
        return _alter_user(reader)
    if reader.accept("ALTER", "SCHEMA"):
        return _alter_schema(reader)
    for kind in ("USER", "ROLE"):
        if reader.accept("DROP", kind):
            if_exists = reader.accept("IF", "EXISTS")
            name = _principal(reader)
            return reader.finish(DropPrincipal(kind, name, if_exists, reader.accept("CASCADE")))
    if reader.accept("GRANT"):
        return _grant(reader, revoke=False)
    if reader.accept("REVOKE"):
        return _grant(reader, revoke=True)
    return None


def _principal(reader: TokenReader) -> str:
    """The name of a user or role: its letters' case never matters, also in quotes."""
    return reader.identifier().upper()


def _alter_user(reader: TokenReader) -> ChangePassword:
    name = _principal(reader)
    if reader.peek() != "IDENTIFIED":
        raise refused(60, f"ALTER USER ... {' '.join(reader.all_words()[3:5])}")
    password = _new_password(reader, f"ALTER USER {name}")
    old = reader.password() if reader.accept("REPLACE") else None
    return reader.finish(ChangePassword(name, password, old))


def _new_password(reader: TokenReader, statement: str) -> str:
    reader.expect("IDENTIFIED")
    if reader.peek() == "AT":
        raise refused(60, f"{statement} IDENTIFIED AT LDAP")
    reader.expect("BY")
    for service, fact in (("KERBEROS", "PRINCIPAL"), ("OPENID", "SUBJECT")):
        if reader.accept(service, fact):
            raise refused(60, f"{statement} IDENTIFIED BY {service}")
    return reader.password()


def _alter_schema(reader: TokenReader) -> ChangeOwner:
    schema = reader.identifier()
    if not reader.accept("CHANGE", "OWNER"):
        raise refused(60, f"ALTER SCHEMA ... {reader.peek()}")
    return reader.finish(ChangeOwner(schema, _principal(reader)))


# --- GRANT and REVOKE ----------------------------------------------------------------------------


def _grant(reader: TokenReader, revoke: bool) -> SystemGrant | RoleGrant | ObjectGrant:
    verb, towards = ("REVOKE", "FROM") if revoke else ("GRANT", "TO")
    named = [_phrase(reader, towards)]
    while reader.accept(","):
        named.append(_phrase(reader, towards))
    if reader.accept("ON"):
        return _object_grant(reader, revoke, named, verb, towards)
    reader.expect(towards)
    grantees = _grantees(reader)
    with_admin = not revoke and reader.accept("WITH", "ADMIN", "OPTION")
    if named == ["ALL PRIVILEGES"]:
        privileges = tuple(sorted(SYSTEM_PRIVILEGES))
        return reader.finish(SystemGrant(revoke, privileges, grantees, with_admin))
    if all(phrase in SYSTEM_PRIVILEGES for phrase in named):
        return reader.finish(SystemGrant(revoke, tuple(named), grantees, with_admin))
    if any(phrase in SYSTEM_PRIVILEGES for phrase in named):
        raise syntax_error(f"{verb} takes either system privileges or roles")
    roles = tuple(_role(phrase, verb) for phrase in named)
    return reader.finish(RoleGrant(revoke, roles, grantees, with_admin))


def _phrase(reader: TokenReader, towards: str) -> str:
    words = reader.phrase((",", "ON", towards))
    if not words:
        raise syntax_error(f"unexpected {reader.peek()}, expected a privilege or role")
    return " ".join(words)


def _role(phrase: str, verb: str) -> str:
    """The role that a phrase names; :raises SqlError: where it names a privilege."""
    is_privilege = phrase in (*SYSTEM_PRIVILEGES, *_OBJECT_PRIVILEGES, *_ALL, *_UNSUPPORTED)
    if is_privilege or len(TokenReader(phrase).phrase(())) != 1:
        raise refused(60, f"{verb} {phrase}")
    return _principal(TokenReader(phrase))


def _object_grant(
    reader: TokenReader, revoke: bool, named: list[str], verb: str, towards: str
) -> ObjectGrant:
    for phrase in named:
        if phrase not in _OBJECT_PRIVILEGES and phrase not in _ALL:
            raise refused(60, f"{verb} {phrase} ON")
    if len(named) > 1 and any(phrase in _ALL for phrase in named):
        raise syntax_error("ALL stands alone")
    kind = next((kind for kind in OBJECT_PRIVILEGES if reader.accept(kind)), None)
    if kind is None and reader.peek() in ("ALL", "CONNECTION", "FUNCTION"):
        raise refused(60, f"{verb} ... ON {reader.peek()}")
    name = reader.qualified_name()
    reader.expect(towards)
    grantees = _grantees(reader)
    privileges = () if named[0] in _ALL else tuple(dict.fromkeys(named))
    return reader.finish(ObjectGrant(revoke, privileges, kind, name, grantees))


def _grantees(reader: TokenReader) -> tuple[str, ...]:
    names = [_grantee(reader)]
    while reader.accept(","):
        names.append(_grantee(reader))
    return tuple(dict.fromkeys(names))


def _grantee(reader: TokenReader) -> str:
    return "PUBLIC" if reader.accept("PUBLIC") else _principal(reader)
