"""Data types as version 3 of the protocol describes them in the head of a result set."""

from __future__ import annotations

from typing import Any

from exallm.local.exasol_type import DAY_TO_SECOND, LOCAL_TIME, YEAR_TO_MONTH, ExasolType

_TIMESTAMP_BYTES = 16


def described(type_: ExasolType) -> dict[str, Any]:
    """The type's name and properties."""
    match type_.name:
        case "DECIMAL":
            return {"type": "DECIMAL", "precision": type_.precision, "scale": type_.scale}
        case "CHAR" | "VARCHAR":
            return {
                "type": type_.name,
                "size": type_.size,
                "characterSet": type_.character_set,
            }
        case "DATE":
            return {"type": "DATE", "size": 4}
        case "HASHTYPE":
            return {"type": "HASHTYPE", "size": 2 * type_.size}
    if type_.name in ("TIMESTAMP", LOCAL_TIME):
        is_local = type_.name == LOCAL_TIME
        return {"type": type_.name, "size": _TIMESTAMP_BYTES, "withLocalTimeZone": is_local}
    if type_.name == YEAR_TO_MONTH:
        return {"type": type_.name, "size": type_.precision + 4, "precision": type_.precision}
    if type_.name == DAY_TO_SECOND:
        return {
            "type": type_.name,
            "size": type_.precision + type_.fraction + 11,
            "precision": type_.precision,
            "fraction": type_.fraction,
        }
    return {"type": type_.name}
