"""RSA keys for logins: each is handed to one client only, so that no login can be replayed.

All have the modulus of one engine's run, because a new one takes a noticeable while, and an
exponent of their own. What was encrypted for one exponent is noise to another; to know many of
them brings nobody nearer to the factors.
"""

from __future__ import annotations

import base64
import binascii
import math
import secrets

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_KEY_BITS = 2048
# Some clients take no exponent of more than 31 bits.
_LEAST_EXPONENT, _MOST_EXPONENT = 65_537, 2**31 - 1


class LoginKey:
    """The key of one login."""

    def __init__(self, private: rsa.RSAPrivateKey) -> None:
        self._key = private

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
    """The keys of one engine's run."""

    def __init__(self) -> None:
        key = rsa.generate_private_key(public_exponent=_LEAST_EXPONENT, key_size=_KEY_BITS)
        self._numbers = key.private_numbers()

    def take(self) -> LoginKey:
        """A key that nobody else gets, as good as certainly."""
        p, q = self._numbers.p, self._numbers.q
        order = math.lcm(p - 1, q - 1)
        exponent = _LEAST_EXPONENT
        while exponent == _LEAST_EXPONENT or math.gcd(exponent, order) != 1:
            exponent = secrets.randbelow(_MOST_EXPONENT - _LEAST_EXPONENT) + _LEAST_EXPONENT | 1
        inverse = pow(exponent, -1, order)
        numbers = rsa.RSAPrivateNumbers(
            p=p,
            q=q,
            d=inverse,
            dmp1=inverse % (p - 1),
            dmq1=inverse % (q - 1),
            iqmp=self._numbers.iqmp,
            public_numbers=rsa.RSAPublicNumbers(exponent, p * q),
        )
        # The factors are known to be primes, and looking again takes as long as finding them.
        return LoginKey(numbers.private_key(unsafe_skip_rsa_key_validation=True))
