"""Who may log in."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from exallm.local.sql_error import SqlError
from exallm.local.wire.login_keys import LoginKey, LoginKeys

REJECTED = SqlError("08004", "Connection exception - authentication failed.")


class Credentials:
    """Checks names and passwords.

    :param user: who administers the engine.
    :param password: of that user.
    :param knows: whether any other user has a password.
    """

    def __init__(self, user: str, password: str, knows: Callable[[str, bytes], bool]) -> None:
        self._user = user.upper()
        self._password = password
        self._knows = knows
        self.keys = LoginKeys()

    def check(self, user: object, encrypted: object, key: LoginKey | None) -> str:
        """The user's name.

        :param key: what this client was given to encrypt the password with.
        :raises SqlError: 08004, the same for every wrong part.
        """
        password = key.decrypted(encrypted) if key is not None else None
        if not isinstance(user, str) or password is None:
            raise REJECTED
        name = user.strip('"').upper()
        if name == self._user:
            known = hmac.compare_digest(password, self._password.encode())
        else:
            known = self._knows(name, password)
        if not known:
            raise REJECTED
        return name
