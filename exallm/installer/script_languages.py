"""SCRIPT_LANGUAGES: one alias changed, everything else as it was."""

from __future__ import annotations

import re

import pyexasol

from exallm.installer.statements import run, value
from exallm.local.udf.container import CLIENT
from exallm.sql_text import quote_text
from exallm_udfs.errors import ExallmError

SYSTEM, SESSION = "SYSTEM", "SESSION"
_ENTRY = re.compile(r"(?P<alias>[^\s=]+)=(?P<url>\S*)")


def container_url(udf_path: str) -> str:
    """What SCRIPT_LANGUAGES says of a container after ``ALIAS=``.

    :param udf_path: of the unpacked container, as ``/buckets/bfsdefault/default/.../exallm-1``.
    """
    place = udf_path.removeprefix("/buckets/")
    return f"localzmq+protobuf:///{place}?lang=python#{udf_path}/{CLIENT}"


def container_path(url: str) -> str | None:
    """The path of the container that an entry means, None for a built-in one."""
    match = re.fullmatch(rf"localzmq\+protobuf:.*#(/buckets/.+)/{re.escape(CLIENT)}", url)
    return match[1] if match else None


def alias_url(languages: str, alias: str) -> str | None:
    """What a text of SCRIPT_LANGUAGES says of an alias, None where it does not name it.

    :raises ExallmError: E-EXALLM-SLC-13 where it stands there twice.
    """
    entry = _entry(languages, alias)
    return entry["url"] if entry else None


def with_alias(languages: str, alias: str, url: str) -> str:
    """The text with one alias set to a URL and every other byte as it was.

    :raises ExallmError: E-EXALLM-SLC-13 where the alias stands there twice.
    """
    entry = _entry(languages, alias)
    if entry is None:
        return f"{languages} {alias}={url}" if languages else f"{alias}={url}"
    return languages[: entry.start("url")] + url + languages[entry.end("url") :]


def without_alias(languages: str, alias: str) -> str:
    """The text without one alias and the blanks before it; every other byte as it was."""
    entry = _entry(languages, alias)
    if entry is None:
        return languages
    return (languages[: entry.start()].rstrip() + languages[entry.end() :]).lstrip()


def script_languages(connection: pyexasol.ExaConnection, scope: str) -> str:
    """The text as it holds for the session or the system."""
    column = f"{scope}_VALUE"
    text = value(
        connection,
        f"SELECT {column} FROM EXA_PARAMETERS WHERE PARAMETER_NAME = 'SCRIPT_LANGUAGES'",
    )
    return str(text or "")


def activation_statement(languages: str, scope: str) -> str:
    """The statement that makes a text of SCRIPT_LANGUAGES hold."""
    return f"ALTER {scope} SET SCRIPT_LANGUAGES = {quote_text(languages)}"


def activate(connection: pyexasol.ExaConnection, scope: str, alias: str, url: str) -> str:
    """Set one alias in the connection's transaction; the statement that did it.

    :raises ExallmError: E-EXALLM-SLC-13 where the alias is ambiguous, E-EXALLM-DEPLOY-1 where the
        user may not.
    """
    changed = with_alias(script_languages(connection, scope), alias, url)
    statement = activation_statement(changed, scope)
    run(connection, statement)
    return statement


def _entry(languages: str, alias: str) -> re.Match[str] | None:
    found = [
        match for match in _ENTRY.finditer(languages) if match["alias"].upper() == alias.upper()
    ]
    if len(found) > 1:
        raise ExallmError(
            "E-EXALLM-SLC-13",
            f"the alias {alias} stands in SCRIPT_LANGUAGES {len(found)} times",
            "leave one of its entries there",
        )
    return found[0] if found else None
