"""One file through a tunnel: HTTP in which the engine is the client and the client the server."""

from __future__ import annotations

import base64
import hashlib
import socket
import ssl
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from exallm.local.sql.transfers import TransferFile
from exallm.local.sql_error import SqlError
from exallm.local.transport.tunnels import Tunnels

_PIECE = 1 << 18
_KEY_PREFIX = "sha256//"


class HttpTunnel:
    """A tunnel that a statement has taken: ``open`` comes first, ``close`` in any case.

    Only ``abort`` may come from another thread.

    :raises SqlError: from everything, 42636 with Exasol's ETL-5105 or ETL-5106 for what breaks
        off, E-EXALLM-LOCAL-9 for an address under which no tunnel waits.
    """

    def __init__(self, tunnels: Tunnels, file: TransferFile, reading: bool, patience_s: float):
        self._file = file
        self._verb = "reading data from" if reading else "writing data to"
        self._code = "ETL-5105" if reading else "ETL-5106"
        self._moved = 0
        taken = tunnels.take(file.port) if file.host == "127.0.0.1" else None
        if taken is None:
            raise SqlError(
                "42636",
                f"E-EXALLM-LOCAL-9: {file.url} is no open tunnel, and the embedded engine reaches"
                " no other address; use the import and export functions of the client",
            )
        taken.settimeout(patience_s)
        self._socket = taken
        self._aborted = False
        self._http = HTTPConnection(file.host, file.port)
        self._http.auto_open = 0  # it is open, and may not be opened anew

    def open(self) -> None:
        """Agree on keys with the client, where its address asks for TLS."""
        if self._file.is_secure:
            self._secure()
        self._http.sock = self._socket

    def begin_writing(self) -> None:
        """Tell the client that a file comes."""
        try:
            self._http.putrequest("PUT", f"/{self._file.name}", skip_accept_encoding=True)
            self._http.putheader("Transfer-Encoding", "chunked")
            self._http.endheaders()
        except (OSError, HTTPException) as error:
            raise self._broken(error) from error

    def write(self, data: bytes) -> None:
        """Send a part of the file."""
        try:
            for start in range(0, len(data), _PIECE):
                piece = data[start : start + _PIECE]
                self._http.send(b"%X\r\n%b\r\n" % (len(piece), piece))
                self._moved += len(piece)
        except (OSError, HTTPException) as error:
            raise self._broken(error) from error

    def end_writing(self) -> None:
        """Tell the client that the file is whole, and hear that it has all of it."""
        try:
            self._http.send(b"0\r\n\r\n")
            self._answered()
        except (OSError, HTTPException) as error:
            raise self._broken(error) from error

    def pieces(self) -> Iterator[bytes]:
        """The parts of a file that the client sends; it must come to its end."""
        try:
            self._http.request("GET", f"/{self._file.name}")
            response = self._answered()
            if not response.chunked and response.length is None:
                raise HTTPException("the file has neither chunks nor a length")
            while piece := response.read(_PIECE):
                self._moved += len(piece)
                yield piece
            if response.length:
                raise HTTPException(f"{response.length} bytes are missing")
        except (OSError, HTTPException) as error:
            raise self._broken(error) from error

    def abort(self) -> None:
        """End what is going on, from any thread."""
        self._aborted = True
        try:
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        except OSError:
            return  # the client has left already

    def close(self) -> None:
        """Close the connection."""
        self.abort()  # the response may hold the socket open for longer
        self._socket.close()

    def _answered(self) -> HTTPResponse:
        response = self._http.getresponse()
        if response.status != 200:
            raise HTTPException(f"error code={response.status}")
        return response

    def _secure(self) -> None:
        """TLS with the client as its server; its key must be the one that the statement names."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # the certificate is known by its key alone
        try:
            secured = context.wrap_socket(self._socket, do_handshake_on_connect=False)
            self._socket = secured
            if self._aborted:  # it may have met the socket that is wrapped now
                raise OSError("aborted")
            secured.do_handshake()
        except OSError as error:
            raise self._broken(error) from error
        certificate = secured.getpeercert(binary_form=True)
        if certificate is None or _fingerprint(certificate) != self._file.public_key:
            raise self._broken(OSError("the public key of the certificate is not the named one"))

    def _broken(self, error: Exception) -> SqlError:
        reason = str(error) or type(error).__name__
        return SqlError(
            "42636",
            f"{self._code}: Following error occured while {self._verb} external connection"
            f" [{self._file.url}/{self._file.name} failed after {self._moved} bytes. [{reason}]]",
        )


def _fingerprint(certificate: bytes) -> str:
    key = x509.load_der_x509_certificate(certificate).public_key()
    info = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return _KEY_PREFIX + base64.b64encode(hashlib.sha256(info).digest()).decode()
