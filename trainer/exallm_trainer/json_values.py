"""Dataclasses from the JSON that ``dataclasses.asdict`` makes of them."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

_Kind = TypeVar("_Kind")


def from_json(kind: type[_Kind], value: Any) -> _Kind:
    """An instance of a dataclass, with all that it holds.

    ``ValueError`` where a field is missing, unknown or of another type.
    """
    built: _Kind = _built(kind, value, kind.__name__)
    return built


def _built(kind: Any, value: Any, path: str) -> Any:
    if is_dataclass(kind):
        return _dataclass(kind, value, path)
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin is Literal:
        return _require(value in arguments, value, path)
    if origin in (Union, types.UnionType):
        inner = [each for each in arguments if each is not type(None)]
        if value is None and len(inner) < len(arguments):
            return None
        return _built(inner[0], value, path)
    if origin is tuple:
        _require(isinstance(value, list) and arguments[1:] == (...,), value, path)
        return tuple(_built(arguments[0], each, f"{path}[{at}]") for at, each in enumerate(value))
    if origin is not None and issubclass(origin, Mapping):
        _require(isinstance(value, dict), value, path)
        return {name: _built(arguments[1], each, f"{path}.{name}") for name, each in value.items()}
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return _require(
        isinstance(value, kind) and isinstance(value, bool) == (kind is bool), value, path
    )


def _dataclass(kind: Any, value: Any, path: str) -> Any:
    _require(isinstance(value, dict), value, path)
    hints = get_type_hints(kind)
    needed = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
    missing, unknown = needed - set(value), set(value) - {f.name for f in fields(kind)}
    if missing or unknown:
        name = sorted(missing or unknown)[0]
        raise ValueError(f"{path} {'lacks' if missing else 'has an unknown'} {name}")
    return kind(
        **{name: _built(hints[name], each, f"{path}.{name}") for name, each in value.items()}
    )


def _require(condition: bool, value: Any, path: str) -> Any:
    if not condition:
        raise ValueError(f"{path} is of another type: {type(value).__name__}")
    return value
