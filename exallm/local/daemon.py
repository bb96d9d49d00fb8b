"""The engine's process: ``python -m exallm.local.daemon FOLDER SETTINGS``.

SETTINGS are the fields of ``EngineSettings`` as a JSON object. It writes one line to its standard
output, ``ready`` or what is wrong, and serves until SIGTERM.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import sys
import threading
from pathlib import Path

import duckdb

from exallm.local.bucketfs.server import BucketFsServer
from exallm.local.certificate import create_certificate
from exallm.local.control import EngineSettings
from exallm.local.engine.database import Database, DatabaseSettings
from exallm.local.engine_home import USER, EngineHome, RunningEngine
from exallm.local.udf.confined_start import protections
from exallm.local.udf.isolation import Isolation
from exallm.local.wire.credentials import Credentials
from exallm.local.wire.listener import Listener
from exallm.local.wire.stream import tls_context
from exallm_udfs.errors import ExallmError

_OPEN_FILES = 8192
_LOG = logging.getLogger(__name__)


def main(arguments: list[str]) -> int:
    """Run the engine until it is told to stop."""
    home = EngineHome(Path(arguments[0]))
    settings = EngineSettings(**json.loads(arguments[1]))
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    for talkative in ("sqlglot", "websockets.server"):
        logging.getLogger(talkative).setLevel(logging.ERROR)
    try:
        serve(home, settings)
    except ExallmError as error:
        _tell(str(error))
        return 1
    except OSError as error:
        _tell(f"E-EXALLM-LOCAL-7: the disk refused: {error}; free some space on it")
        return 1
    return 0


def serve(home: EngineHome, settings: EngineSettings) -> None:
    """Start everything, say ``ready``, and serve until SIGTERM or SIGINT."""
    stopping = threading.Event()
    _allow_many_connections()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    home.create()
    if home.lock() is None:
        raise ExallmError(
            "E-EXALLM-LOCAL-2",
            f"another engine already runs on {home.folder}",
            "stop it with exallm local stop, or set EXALLM_HOME to another folder",
        )
    missing = [name for name, is_there in protections().items() if not is_there]
    if missing:
        _LOG.warning("UDF processes are not confined in: %s; see security.md", ", ".join(missing))
    create_certificate(home.certificate_file, home.key_file)
    database = _open(_database_settings(home, settings))
    listener = Listener(
        settings.port,
        database,
        Credentials(USER, home.password(), database.knows),
        tls_context(str(home.certificate_file), str(home.key_file)),
    )
    buckets = BucketFsServer(
        home.buckets_root,
        write_password=home.bucketfs_password("write"),
        read_password=home.bucketfs_password("read"),
    )
    buckets.start()
    home.publish(RunningEngine(os.getpid(), listener.port, buckets.port))
    threading.Thread(target=listener.serve, daemon=True).start()
    _tell("ready")
    stopping.wait()
    home.withdraw()
    listener.stop()
    buckets.stop()
    database.close()


def _allow_many_connections() -> None:
    """Raise the number of open files to what this user may have: a client is one each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _database_settings(home: EngineHome, settings: EngineSettings) -> DatabaseSettings:
    return DatabaseSettings(
        home.database_file,
        home.buckets_root,
        settings.workers,
        settings.reply_timeout_s,
        memory_limit=settings.udf_memory,
        isolation=Isolation(network=settings.udf_network, private=home.folder),
    )


def _open(settings: DatabaseSettings) -> Database:
    try:
        return Database(settings)
    except duckdb.Error as error:
        raise ExallmError(
            "E-EXALLM-LOCAL-3",
            f"the database {settings.file} does not open: {str(error).splitlines()[0]}",
            "move the file away to start with an empty database",
        ) from error


def _tell(line: str) -> None:
    """Answer the process that waits; afterwards the output goes where errors go."""
    print(line, flush=True)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
