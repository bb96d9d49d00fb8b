"""RSA keys for logins: each is handed to one client only, so that no login can be replayed."""

from __future__ import annotations

import base64
import binascii
import queue
import threading

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_KEY_BITS = 2048
_AHEAD = 8


class LoginKey:
    """The key of one login: a password that was encrypted for another one means nothing to it."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)

    def described(self) -> dict[str, str]:
        """The public half, as the protocol sends it."""
        public = self._key.public_key()
        numbers = public.public_numbers()
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1)
        return {
            "publicKeyPem": pem.decode(),
            "publicKeyModulus": f"{numbers.n:x}",
            "publicKeyExponent": f"{numbers.e:x}",
        }

    def decrypted(self, encrypted: object) -> bytes | None:
        """The password that a client has sent, None for what is no such thing."""
        if not isinstance(encrypted, str):
            return None
        try:
            return self._key.decrypt(base64.b64decode(encrypted), padding.PKCS1v15())
        except (ValueError, binascii.Error):
            return None


class LoginKeys:
    """Keys made ahead, because one takes a noticeable while."""

    def __init__(self) -> None:
        self._ready: queue.Queue[LoginKey] = queue.Queue(_AHEAD)
        threading.Thread(target=self._make, daemon=True).start()

    def take(self) -> LoginKey:
        """A key that nobody else gets."""
        return self._ready.get()

    def _make(self) -> None:
        while True:
            self._ready.put(LoginKey())
