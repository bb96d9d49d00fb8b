"""What every benchmark stands on: questions, a database, and programs of others."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.database import Database
from bench.environments import TORCH, TRANSFORMERS_EXTENSION, Environment
from bench.error import BenchError
from bench.program import Program
from bench.project import PROJECT
from bench.questions import Question
from bench.settings import BenchSettings
from exallm.models.smollm2_source import smollm2_file
from exallm_udfs.answer import extract_answer

MODEL_NAME = "smollm2"
_SUB_DIR = "models"
_RAW_CACHE_TOKENS = 65_536


@dataclass(frozen=True)
class Workbench:
    """Read by all benchmarks, changed by none.

    :param questions: in document order, as many as the settings ask for.
    :param folder: holds environments, checkpoint and logs; git does not see it.
    :param say: tells the user what goes on.
    """

    settings: BenchSettings
    questions: Sequence[Question]
    database: Database
    folder: Path
    say: Callable[[str], None]

    @property
    def stop(self) -> tuple[str, ...]:
        return self.database.manifest.writing()[0].stop

    @property
    def max_new_tokens(self) -> int:
        return self.database.manifest.writing()[1].max_new_tokens

    @property
    def process_options(self) -> dict[str, int]:
        """Options that share the cores out among the processes."""
        return {"threads": self.settings.threads}

    def answer(self, generated: str) -> str:
        """The answer in a generated text, '' for none: exallm's own rule, for every engine."""
        return extract_answer(generated, self.stop) or ""

    def article(self) -> Program:
        """The article's function."""
        return self._program(self._python(TORCH), "article", [self._checkpoint()])

    def torch_reference(self) -> Program:
        """The same weights in torch fp32."""
        return self._program(self._python(TORCH), "torch_reference", [self._checkpoint()])

    def transformers_extension(self) -> Program:
        """exasol-transformers-extension's AI_COMPLETE_EXTENDED."""
        self._checkpoint()
        return self._program(
            self._python(TRANSFORMERS_EXTENSION),
            "transformers_extension",
            [self._bucket, _SUB_DIR, MODEL_NAME],
        )

    def raw_engine(self) -> Program:
        """One process of the bare engine on the installed model's own file."""
        arguments = [
            str(self.database.model_path),
            str(self.settings.threads),
            str(_RAW_CACHE_TOKENS),
        ]
        return self._program(Path(sys.executable), "raw_engine", arguments)

    @property
    def _bucket(self) -> Path:
        return self.folder / "bucket"

    def _python(self, environment: Environment) -> Path:
        return environment.python(self.folder, self.say)

    def _program(self, python: Path, name: str, arguments: Sequence[str | Path]) -> Program:
        return Program(python, name, arguments, self.folder / "logs")

    def _checkpoint(self) -> Path:
        """The published weights, dequantised, where the extension looks for its models."""
        target = self._bucket / _SUB_DIR / f"{MODEL_NAME}_text-generation"
        if not target.is_dir():
            self.say("writing the checkpoint with dequantised weights")
            source = smollm2_file(self.folder / "home" / "models", self.say)
            unfinished = target.with_name("unfinished")
            unfinished.mkdir(parents=True, exist_ok=True)
            command = [str(self._python(TORCH)), "-m", "bench.programs.save_checkpoint"]
            done = subprocess.run(
                [*command, str(source), str(unfinished)],
                cwd=PROJECT,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise BenchError(f"no checkpoint: {done.stderr.strip().splitlines()[-1]}")
            unfinished.rename(target)
        return target
