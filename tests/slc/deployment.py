"""The deployment of a real container on the embedded engine, step by step, with interruptions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from exallm.installer.script_languages import SYSTEM, container_path, script_languages
from exallm.installer.target import Target
from exallm.local.engine_home import EngineHome
from exallm.slc.archive import ContainerArchive
from exallm.slc.bucket_store import BucketStore, archive_name
from tests.command_line import exallm

INTERRUPTIONS = 5
_OTHERS = "PYTHON3=builtin_python3   R=builtin_r  JAVA=builtin_java"
_UPLOAD_LIMIT_S = 300.0
Say = Callable[[str], None]


class DeploymentError(Exception):
    """A step went another way than it has to."""


@dataclass(frozen=True)
class Place:
    """Where it is deployed.

    :param home: of an engine on which exallm is installed, on the engine's own Python.
    """

    home: EngineHome
    target: Target
    archive: ContainerArchive

    def run(self, *arguments: str) -> dict[str, Any]:
        """What ``exallm slc ... --local --json`` prints."""
        done = exallm(self.home, "slc", *arguments, "--local", "--json")
        expect(done.returncode == 0, done.stderr or done.stdout)
        printed: dict[str, Any] = json.loads(done.stdout)
        return printed

    def languages(self) -> str:
        """SCRIPT_LANGUAGES of the system."""
        with self.target.database.session() as connection:
            return script_languages(connection, SYSTEM)

    def report(self) -> dict[str, Any]:
        """What the container behind the alias says of itself, asked in SQL."""
        query = "SELECT EXALLM.CONTAINER_REPORT(SEED) FROM EXALLM.NODE_SEED GROUP BY IPROC()"
        with self.target.database.session() as connection:
            report: dict[str, Any] = json.loads(connection.execute(query).fetchall()[0][1])
        return report


class DeploymentSteps:
    """Six steps, each of which raises DeploymentError where it fails."""

    def __init__(self, place: Place, say: Say) -> None:
        self._place = place
        self._say = say
        self._deployed: dict[str, Any] = {}
        with place.target.database.session() as connection:
            others = f"{_OTHERS} {place.target.language}=builtin_python3"
            connection.execute(f"ALTER SYSTEM SET SCRIPT_LANGUAGES = '{others}'")
            connection.commit()

    def run(self) -> tuple[int, int]:
        """Take every step; how many there are, and how many went as they have to."""
        steps = (
            self.upload,
            self.wait,
            self.check,
            self.activate,
            self.side_by_side,
            self.roll_back,
        )
        passed = 0
        for step in steps:
            began = time.perf_counter()
            try:
                step()
            except DeploymentError as error:
                self._say(f"{step.__name__}: FAILED: {error}")
                break
            passed += 1
            self._say(f"{step.__name__}: {time.perf_counter() - began:.1f} s")
        return len(steps), passed

    def upload(self) -> None:
        """Interrupted five times, each time later; nothing of it shows, and scripts answer on."""
        before = self._place.languages()
        store = BucketStore(self._place.target.bucket)
        for number in range(1, INTERRUPTIONS + 1):
            size = self._interrupt("one", number / (INTERRUPTIONS + 1))
            stored = store.stored("one")
            expect(stored is not None and not stored.is_whole, "half an upload counts as whole")
            listed = [str(file) for file in (self._place.target.bucket.path() / "exallm").iterdir()]
            expect(not any(archive_name("one") in name for name in listed), f"it shows: {listed}")
            expect(self._place.languages() == before, "an interruption changed SCRIPT_LANGUAGES")
            expect(self._place.report()["facts"] is None, "the old language does not answer")
            self._say(f"upload interrupted at {size >> 20} MiB")

    def wait(self) -> None:
        """The sixth upload is whole; the command returns once every node has answered."""
        self._deployed = self._place.run(
            "deploy", str(self._place.archive.file), "--version", "one"
        )
        expect(len(self._deployed["nodes"]) == 1, "not every node has answered")

    def check(self) -> None:
        """What answered is this container, with its engine."""
        (node,) = self._deployed["nodes"]
        facts = self._place.archive.facts
        expect(node["facts"]["build"] == facts.build, "another container answered")
        expect(node["engines"]["openvino"] is None, f"OpenVINO {node['engines']['openvino']}")
        expect(node["exallm"] == facts.exallm, f"it holds exallm {node['exallm']}")
        self._say(f"CPU features: {' '.join(node['cpu_flags'])}; GPUs: {node['gpus'] or 'none'}")

    def activate(self) -> None:
        """The alias means it, scripts run in it, and other aliases are as they were."""
        languages = self._place.languages()
        expect(languages.startswith(_OTHERS + " "), f"other aliases changed: {languages}")
        expect(container_path(self._deployed["url"]) is not None, "the alias means no container")
        expect(languages.endswith(f"={self._deployed['url']}"), "the alias means something else")
        expect(self._build() == self._place.archive.facts.build, "scripts run elsewhere")

    def side_by_side(self) -> None:
        """A second version stands beside the first, which stays."""
        second = self._place.run("deploy", str(self._place.archive.file), "--version", "two")
        expect(second["url"] != self._deployed["url"], "the version names no folder of its own")
        expect(self._place.languages().endswith(f"={second['url']}"), "it is not active")
        expect(self._build() == self._place.archive.facts.build, "scripts do not run in it")

    def roll_back(self) -> None:
        """Back to the first version, and then to what was there before."""
        back = self._place.run("rollback")
        expect(back["url"] == self._deployed["url"], "it leads elsewhere")
        expect(self._build() == self._place.archive.facts.build, "scripts do not run in it")
        self._place.run("rollback")
        expect(self._place.report()["facts"] is None, "the first language does not answer")
        expect(self._place.languages().startswith(_OTHERS + " "), "other aliases changed")
        self._place.run("activate", "one")

    def _build(self) -> str | None:
        facts = self._place.report()["facts"]
        return str(facts["build"]) if facts else None

    def _interrupt(self, version: str, share: float) -> int:
        """Kill a deployment once this share of the file has arrived; how much had arrived."""
        command = [sys.executable, "-m", "exallm.cli.main", "slc", "deploy"]
        process = subprocess.Popen(
            [*command, str(self._place.archive.file), "--version", version, "--local"],
            env={**os.environ, "EXALLM_HOME": str(self._place.home.folder.parent)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + _UPLOAD_LIMIT_S
        while (size := self._arrived()) < share * self._place.archive.bytes:
            expect(process.poll() is None, "the upload ended before it could be interrupted")
            expect(time.monotonic() < end, "the upload did not begin")
        process.send_signal(signal.SIGKILL)
        process.wait()
        return size

    def _arrived(self) -> int:
        folder = self._place.home.buckets_root / ".uploads" / "bfsdefault"
        sizes = [0]
        for file in folder.iterdir():
            try:
                sizes.append(file.stat().st_size if file.is_file() else 0)
            except FileNotFoundError:
                continue  # it has just arrived whole, or was given up
        return max(sizes)


def expect(holds: bool, problem: str) -> None:
    """:raises DeploymentError: where it does not hold."""
    if not holds:
        raise DeploymentError(problem)


def place_at(home: EngineHome, target: Target, archive: ContainerArchive) -> Place:
    """A place on which exallm is installed without a model."""
    done = exallm(home, "install", "--local", "--model", "none")
    expect(done.returncode == 0, done.stderr)
    return Place(home, target, archive)
