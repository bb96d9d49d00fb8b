"""Who may log in, and how a password travels: encrypted with the server's RSA key."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from exallm.local.sql_error import SqlError

_KEY_BITS = 2048
REJECTED = SqlError("08004", "Connection exception - authentication failed.")


class Credentials:
    """Checks names and passwords, with a key that is made at every start.

    :param user: who administers the engine.
    :param password: of that user.
    :param knows: whether any other user has a password.
    """

    def __init__(self, user: str, password: str, knows: Callable[[str, bytes], bool]) -> None:
        self._user = user.upper()
        self._password = password
        self._knows = knows
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
        public = self._key.public_key()
        self.public_key_pem = public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.PKCS1
        ).decode()
        numbers = public.public_numbers()
        self.public_key_modulus = f"{numbers.n:x}"
        self.public_key_exponent = f"{numbers.e:x}"

    def check(self, user: object, encrypted: object) -> str:
        """The user's name; :raises SqlError: 08004, the same for every wrong part."""
        if not isinstance(user, str) or not isinstance(encrypted, str):
            raise REJECTED
        try:
            password = self._key.decrypt(base64.b64decode(encrypted), padding.PKCS1v15())
        except (ValueError, binascii.Error) as error:
            raise REJECTED from error
        name = user.strip('"').upper()
        if name == self._user:
            known = hmac.compare_digest(password, self._password.encode())
        else:
            known = self._knows(name, password)
        if not known:
            raise REJECTED
        return name
