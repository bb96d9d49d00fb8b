"""Where the story takes place: an embedded engine, a DBA's session, a schema of analysts."""

from __future__ import annotations

from dataclasses import dataclass

import pyexasol

from exallm.local.engine_home import EngineHome
from tests.registry_harness import InstalledRegistry, Rows, call_text

ANALYSTS = "SALES"
_EVERYTHING = (
    "SELECT OBJECT_TYPE, ROOT_NAME, OBJECT_NAME, OWNER FROM EXA_ALL_OBJECTS ORDER BY 1, 2, 3",
    "SELECT ROLE_NAME FROM EXA_ALL_ROLES ORDER BY 1",
    "SELECT GRANTEE, PRIVILEGE FROM EXA_DBA_SYS_PRIVS ORDER BY 1, 2",
)


class StoryError(Exception):
    """The story took another turn than it has to."""


@dataclass(frozen=True)
class Stage:
    """The engine and what is installed on it; its session commits each statement."""

    home: EngineHome
    registry: InstalledRegistry

    @property
    def engine_pid(self) -> int:
        """The engine's process."""
        running = self.home.running()
        if running is None:
            raise StoryError("the engine is gone")
        return running.pid

    def rows(self, sql: str) -> Rows:
        """The rows of a query; ``{s}`` is exallm's schema and ``{w}`` that of the analysts."""
        return self.registry.rows(sql.replace("{w}", ANALYSTS))

    def run(self, sql: str) -> None:
        """A statement, with the same two names."""
        self.registry.run(sql.replace("{w}", ANALYSTS))

    def refused(self, code: int, script: str, *arguments: str | int) -> str:
        """The message of a call that ends in ``E-EXALLM-MODEL-<code>``.

        :raises StoryError: where it does not end so.
        """
        try:
            self.registry.call(script, *arguments)
        except pyexasol.ExaQueryError as error:
            expect(f"E-EXALLM-MODEL-{code}: " in error.message, error.message)
            return str(error.message)
        raise StoryError(f"{call_text('EXALLM', script, *arguments)} was not refused")

    def everything(self) -> list[Rows]:
        """All that an installation could leave in the database."""
        return [self.rows(query) for query in _EVERYTHING]

    def packages(self) -> list[str]:
        """The files of packages in the bucket."""
        root = self.registry.buckets / "bfsdefault" / "default"
        return sorted(str(file.relative_to(root)) for file in root.rglob("*") if file.is_file())


def expect(holds: bool, problem: str) -> None:
    """:raises StoryError: where it does not hold."""
    if not holds:
        raise StoryError(problem)
