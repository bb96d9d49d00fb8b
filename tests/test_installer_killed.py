"""An installation that is killed in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyexasol
import pytest

from exallm.installer.sql_files import sql_files
from exallm.local.control import EngineSettings, start, stop
from exallm.local.engine_home import USER, EngineHome

OBJECTS = "SELECT COUNT(*) FROM EXA_ALL_OBJECTS"


@pytest.mark.parametrize("seconds", [0.4, 0.6, 0.7, 0.8, 0.9, 1.0])
def test_it_leaves_all_or_nothing_and_can_be_repeated(tmp_path: Path, seconds: float) -> None:
    home = EngineHome(tmp_path / "local")
    running = start(home, EngineSettings(port=0, workers=1))
    command = [sys.executable, "-m", "exallm.cli.main", "install", "--local", "--model", "none"]
    environment = {**os.environ, "EXALLM_HOME": str(tmp_path)}
    try:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait()
        with pyexasol.connect(
            dsn=running.dsn, user=USER, password=home.password(), encryption=False
        ) as connection:
            after_kill = connection.execute(OBJECTS).fetchall()[0][0]
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
            whole = connection.execute(OBJECTS).fetchall()[0][0]
            assert whole > 10
            assert after_kill in (0, whole)
            assert connection.execute("SELECT COUNT(*) FROM EXALLM.MIGRATIONS").fetchall() == [
                (len(sql_files("migrations")),)
            ]
    finally:
        stop(home)
