"""Passwords as the engine keeps them: salted hashes, never the words."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

_COST, _BLOCK, _LANES = 2**14, 8, 1
_SALT_BYTES = 16


def password_hash(password: str) -> str:
    """``salt$hash`` of a password, different each time."""
    salt = os.urandom(_SALT_BYTES)
    return f"{_text(salt)}${_text(_derived(password.encode(), salt))}"


def is_password(password: bytes, stored: str | None) -> bool:
    """Whether a password is the one behind a stored hash; None, where no user is, takes as long."""
    salt, _, derived = (stored or f"{_text(bytes(_SALT_BYTES))}$").partition("$")
    found = _text(_derived(password, base64.b64decode(salt)))
    return hmac.compare_digest(found, derived)


def _derived(password: bytes, salt: bytes) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=_COST, r=_BLOCK, p=_LANES)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
