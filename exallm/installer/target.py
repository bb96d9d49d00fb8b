"""Where to install: a database and a bucket, and how to reach them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import exasol.bucketfs as bfs
import pyexasol
import requests

from exallm.local.engine_home import USER, EngineHome, RunningEngine
from exallm_udfs.errors import ExallmError

DEFAULT_SCHEMA = "EXALLM"
DEFAULT_LANGUAGE = "PYTHON3_EXALLM"


@dataclass(frozen=True)
class DatabaseTarget:
    """A database.

    :param dsn: ``host:port``, or ``host/fingerprint:port``.
    :param encryption: TLS; only the embedded engine does without.
    :param certificate_validation: whether the server's certificate has to be a trusted one.
    """

    dsn: str
    user: str
    password: str = field(repr=False)
    encryption: bool = True
    certificate_validation: bool = True

    @contextmanager
    def session(self) -> Iterator[pyexasol.ExaConnection]:
        """A connection for one block; what is not committed at its end is rolled back.

        An interrupt leaves at once: the server ends the running statement with the connection,
        where a polite goodbye would wait for the statement's end.

        :raises ExallmError: E-EXALLM-DEPLOY-5 where the database does not let us in.
        """
        connection = self.connect()
        try:
            yield connection
        except KeyboardInterrupt:
            connection.close(disconnect=False)
            raise
        finally:
            connection.close()

    def connect(self) -> pyexasol.ExaConnection:
        """An open connection without autocommit.

        :raises ExallmError: E-EXALLM-DEPLOY-5 where the database does not let us in.
        """
        dsn = self.dsn
        if self.encryption and not self.certificate_validation and "/" not in dsn:
            host, _, port = dsn.partition(":")
            dsn = f"{host}/nocertcheck:{port or '8563'}"
        try:
            return pyexasol.connect(
                dsn=dsn,
                user=self.user,
                password=self.password,
                autocommit=False,
                encryption=self.encryption,
                client_name="exallm",
            )
        except pyexasol.ExaError as error:
            raise ExallmError(
                "E-EXALLM-DEPLOY-5",
                f"no connection to {self.dsn} as {self.user}: {error.message}",
                "check --dsn, --db-user and the password",
            ) from error


@dataclass(frozen=True)
class BucketTarget:
    """A bucket of BucketFS, and the folder in it where exallm keeps its packages."""

    url: str
    user: str
    service: str
    bucket: str
    path_in_bucket: str = ""
    password: str = field(default="", repr=False)
    certificate_validation: bool = True

    def path(self) -> bfs.path.PathLike:
        """The folder of exallm's packages.

        :raises ExallmError: E-EXALLM-DEPLOY-6 where BucketFS does not answer or has no such bucket.
        """
        try:
            return bfs.path.build_path(
                backend=bfs.path.StorageBackend.onprem,
                url=self.url,
                username=self.user,
                password=self.password,
                bucket_name=self.bucket,
                service_name=self.service,
                path=self.path_in_bucket,
                verify=self.certificate_validation,
            )
        except (bfs.BucketFsError, requests.RequestException) as error:
            raise bucketfs_error(self.url, error) from error


@dataclass(frozen=True)
class Target:
    """All that an installation needs to know of its surroundings.

    :param schema: schema of exallm's objects, as the database stores its name.
    :param language: alias of the script language whose container holds exallm's packages.
    :param accelerator: what scripts with a model ask for in
        ``%perInstanceRequiredAcceleratorDevices``, None for nothing.
    :param is_embedded: whether it is the embedded engine, and no Exasol.
    """

    database: DatabaseTarget
    bucket: BucketTarget
    schema: str = DEFAULT_SCHEMA
    language: str = DEFAULT_LANGUAGE
    accelerator: str | None = None
    is_embedded: bool = False


def local_target(home: EngineHome, running: RunningEngine, schema: str) -> Target:
    """The embedded engine as a target."""
    return Target(
        DatabaseTarget(running.dsn, USER, home.password(), encryption=False),
        BucketTarget(
            running.bucketfs_url,
            "w",
            "bfsdefault",
            "default",
            password=home.bucketfs_password("write"),
        ),
        schema,
        is_embedded=True,
    )


def secret(name: str, environment: Mapping[str, str] | None = None) -> str:
    """A secret from the environment; :raises ExallmError: E-EXALLM-DEPLOY-7 where it is not set."""
    value = (os.environ if environment is None else environment).get(name)
    if not value:
        raise ExallmError(
            "E-EXALLM-DEPLOY-7",
            f"the environment variable {name} is not set",
            "set it to the password: exallm takes no password as an argument",
        )
    return value


def bucketfs_error(url: str, error: Any) -> ExallmError:
    """The error for what BucketFS refused; it names the address and never a password."""
    cause = error.__cause__ or error
    status = getattr(getattr(cause, "response", None), "status_code", None)
    problem = f"status {status}" if status else type(cause).__name__
    return ExallmError(
        "E-EXALLM-DEPLOY-6",
        f"BucketFS at {url} refused: {problem}",
        "check the --bucketfs options, the bucket, its password and its free space",
    )
