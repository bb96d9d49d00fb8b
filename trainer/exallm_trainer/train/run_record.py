"""``run.json``: what a run is, and how it ended."""

from __future__ import annotations

import datetime
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from exallm_trainer.json_values import from_json
from exallm_trainer.run_folder import RUN_FILE, RunFolder
from exallm_udfs.errors import ExallmError

if TYPE_CHECKING:
    from exallm_trainer.train.checkpoint import Position
    from exallm_trainer.train.request import TrainRequest

_VERSIONS = ("accelerate", "exallm", "peft", "torch", "transformers")


@dataclass(frozen=True)
class RunRecord:
    """All of ``run.json``.

    :param run_id: names the run wherever its results go.
    :param state: ``running``, also after a kill; ``stopped`` by its time; ``finished``; ``failed``.
    :param base: the recipe's own by its name there; of another one the name of its file or folder,
        or ``owner/name``; empty from scratch.
    :param reason: why it failed.
    :param base_sha256: of its weights; empty from scratch.
    :param base_commit: of the Hub that it was loaded from; empty for files of this machine.
    :param adapter_sha256: of the adapter that it began from; empty for none.
    :param tokenizer_sha256: of the tokenizer of a model from scratch; empty for another.
    :param former_sha256: of the former data that a share of the texts is from; empty for none.
    :param former_texts: how many of the examples those are.
    :param left_out: examples with more tokens than the recipe takes.
    :param best_exact: None also where the method has no answers, which may be right or wrong.
    """

    run_id: str
    state: str
    recipe: dict[str, Any]
    base: str
    data_sha256: str
    examples: int
    validation_examples: int
    started_at: str
    versions: dict[str, str]
    reason: str | None = None
    base_sha256: str = ""
    base_commit: str = ""
    adapter_sha256: str = ""
    tokenizer_sha256: str = ""
    former_sha256: str = ""
    former_texts: int = 0
    device: str = ""
    precision: str = ""
    left_out: int = 0
    steps: int = 0
    best_step: int = 0
    best_exact: float | None = None
    best_loss: float | None = None
    best_bits_per_byte: float | None = None
    seconds: float = 0.0
    ended_at: str | None = None

    def values(self) -> dict[str, Any]:
        """For ``run.json``."""
        return asdict(self)

    def best_told(self) -> str | None:
        """How good the best checkpoint is; None before the first look at the validation split."""
        if self.best_exact is not None:
            return f"{self.best_exact:.1%} of the validation answers to the letter"
        if self.best_bits_per_byte is not None:
            return f"{self.best_bits_per_byte:.3f} bits a byte of the validation texts"
        return None if self.best_loss is None else f"a validation loss of {self.best_loss:.4f}"

    def started(self, device: str, precision: str, left_out: int) -> RunRecord:
        """The record once all is loaded."""
        return replace(self, device=device, precision=precision, left_out=left_out)

    def ended(self, state: str, position: Position) -> RunRecord:
        """The record of a run that stands still: at its end, that of its time, or by a failure."""
        return replace(
            self,
            state=state,
            steps=position.step,
            best_step=position.best_step,
            best_exact=position.best_exact,
            best_loss=position.best_loss,
            best_bits_per_byte=position.best_bits_per_byte,
            seconds=round(position.seconds, 3),
            ended_at=_text(_now()),
        )

    def failed(self, reason: str, position: Position) -> RunRecord:
        """The record of a run that must never be packaged."""
        return replace(self.ended("failed", position), reason=reason)


def begin_record(request: TrainRequest, folder: RunFolder) -> RunRecord:
    """The record of this request in this folder: a new one, or the one that is continued.

    :raises ExallmError: E-EXALLM-TRAIN-7 where the folder holds a run of another recipe, base or
        data, or one that cannot be read; E-EXALLM-TRAIN-8 where its run has failed.
    """
    began = _now()
    examples, validation_examples = request.examples()
    record = RunRecord(
        **request.identity(),
        run_id=f"{began:%Y%m%d-%H%M%S}-{request.data.sha256[:8]}",
        state="running",
        former_texts=len(request.former_texts),
        examples=examples,
        validation_examples=validation_examples,
        started_at=_text(began),
        versions={name: version(name) for name in _VERSIONS},
    )
    try:
        found = read_record(folder)
    except ValueError as error:
        raise _of_another_run(folder, f"a {RUN_FILE} that cannot be read: {error}") from error
    if found is None:
        return record
    if found.state == "failed":
        raise ExallmError(
            "E-EXALLM-TRAIN-8",
            f"the run in {folder.path} has failed: {found.reason}",
            "name a new run folder",
        )
    for name, value in request.identity().items():
        if getattr(found, name) != value:
            raise _of_another_run(folder, f"another {name}")
    return replace(found, state="running") if found.state != "finished" else found


def with_base(record: RunRecord, folder: RunFolder, sha256: str, commit: str) -> RunRecord:
    """The record once the base is loaded.

    :raises ExallmError: E-EXALLM-TRAIN-7 where the run began with another one of that name.
    """
    if record.base_sha256 not in ("", sha256):
        raise _of_another_run(folder, "another base_sha256")
    return replace(record, base_sha256=sha256, base_commit=commit)


def read_record(folder: RunFolder) -> RunRecord | None:
    """What stands in ``run.json``, None in a new folder; ``ValueError`` where it is no record."""
    values = folder.read()
    return None if values is None else from_json(RunRecord, values)


def _of_another_run(folder: RunFolder, what: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-TRAIN-7",
        f"the run in {folder.path} has {what}",
        "name a new run folder, or train with what the run began with",
    )


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _text(moment: datetime.datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
