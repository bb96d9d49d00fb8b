"""The folder of one embedded engine: its data, its secrets and the facts of its process."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import ssl
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from exallm.home import exallm_home

USER = "sys"


@dataclass(frozen=True)
class RunningEngine:
    """An engine that answers.

    :param pid: its process.
    :param port: of the SQL protocol, on 127.0.0.1.
    :param bucketfs_port: of the HTTP BucketFS, on 127.0.0.1.
    """

    pid: int
    port: int
    bucketfs_port: int

    @property
    def dsn(self) -> str:
        """What pyexasol takes as ``dsn``."""
        return f"127.0.0.1:{self.port}"

    @property
    def bucketfs_url(self) -> str:
        """What exasol-bucketfs takes as ``url``."""
        return f"http://127.0.0.1:{self.bucketfs_port}"


@dataclass(frozen=True)
class EngineHome:
    """The files of one engine.

    :param folder: made on first use, readable by its owner only.
    """

    folder: Path

    @classmethod
    def default(cls) -> EngineHome:
        """The engine of this user."""
        return cls(exallm_home() / "local")

    @property
    def database_file(self) -> Path:
        """DuckDB's file."""
        return self.folder / "database.duckdb"

    @property
    def buckets_root(self) -> Path:
        """What UDFs see as ``/buckets``."""
        return self.folder / "buckets"

    @property
    def log_file(self) -> Path:
        """What the engine's process and its UDF processes print."""
        return self.folder / "engine.log"

    @property
    def password_file(self) -> Path:
        """The password of the user ``sys``."""
        return self.folder / "password"

    @property
    def certificate_file(self) -> Path:
        """The certificate with which the engine speaks TLS."""
        return self.folder / "certificate.pem"

    @property
    def key_file(self) -> Path:
        """The private key of the certificate."""
        return self.folder / "certificate.key"

    def create(self) -> None:
        """Make the folder and the secrets, where they are not there yet."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.buckets_root.mkdir(exist_ok=True)
        for name in ("password", "bucketfs_write_password", "bucketfs_read_password"):
            self._create_secret(self.folder / name)

    def password(self) -> str:
        """The password of the user ``sys``."""
        return self.password_file.read_text()

    def fingerprint(self) -> str:
        """SHA-256 of the certificate, as pyexasol takes it in ``host/fingerprint:port``."""
        certificate = ssl.PEM_cert_to_DER_cert(self.certificate_file.read_text())
        return hashlib.sha256(certificate).hexdigest().upper()

    def bucketfs_password(self, access: str) -> str:
        """The password of BucketFS for ``write`` or ``read``."""
        return (self.folder / f"bucketfs_{access}_password").read_text()

    def running(self) -> RunningEngine | None:
        """The engine that runs on this folder, None where there is none."""
        if not self.folder.is_dir() or not self._is_locked():
            return None
        try:
            facts = json.loads(self._facts_file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None  # it has the lock and is still starting
        return RunningEngine(**facts)

    def lock(self) -> int | None:
        """Take the folder for this process; the open file, None where another one has it."""
        descriptor = os.open(self.folder / "engine.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def publish(self, engine: RunningEngine) -> None:
        """Tell others where the engine answers; the file appears whole or not at all."""
        unfinished = self._facts_file.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(asdict(engine)))
        unfinished.replace(self._facts_file)

    def withdraw(self) -> None:
        """Take back what ``publish`` told."""
        self._facts_file.unlink(missing_ok=True)

    @property
    def _facts_file(self) -> Path:
        return self.folder / "engine.json"

    def _is_locked(self) -> bool:
        descriptor = self.lock()
        if descriptor is None:
            return True
        os.close(descriptor)
        return False

    def _create_secret(self, file: Path) -> None:
        with suppress(FileExistsError):  # a secret that is there stays
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as secret:
                secret.write(secrets.token_urlsafe(24))
