"""A checkpoint of transformers as OpenVINO IR with 8 bits a weight.

This way needs the extra ``hub`` (torch and optimum-intel).
"""

from __future__ import annotations

import tempfile
import warnings
from importlib import import_module
from pathlib import Path

from exallm.models.source import Progress
from exallm_udfs.errors import ExallmError

TEXT_GENERATION = "text-generation-with-past"
QUESTION_ANSWERING = "question-answering"
# What can be converted for each task.
_FITTING = {
    TEXT_GENERATION: "name a text generation checkpoint with safetensors weights, or a GGUF file;"
    " an encoder is trained with exallm train span first",
    QUESTION_ANSWERING: "train another encoder with exallm train span --base: optimum-intel"
    " converts BERT, RoBERTa, ELECTRA and others for question-answering",
}
_IR_ENDINGS = (".bin", ".json", ".txt", ".xml")


def write_checkpoint_ir(checkpoint: Path, folder: Path, task: str, progress: Progress) -> None:
    """Write the IR with the checkpoint's own tokenizer; the folder appears whole or not at all.

    A folder that is there is replaced.

    :param task: :data:`TEXT_GENERATION`, of which the tokenizer becomes IR, too, or
        :data:`QUESTION_ANSWERING`.
    :raises ExallmError: E-EXALLM-MODEL-23 without the extra, E-EXALLM-MODEL-25 for a checkpoint
        that cannot be converted.
    """
    try:
        from optimum.exporters.openvino import main_export
        from optimum.intel import OVConfig
        from transformers.utils import logging

        import_module("nncf")
    except ImportError as error:
        raise extra_missing() from error
    progress("converting the checkpoint to OpenVINO IR, 8 bits a weight")
    folder.parent.mkdir(parents=True, exist_ok=True)
    logging.set_verbosity_error()
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns by the page of what is expected of it
        try:
            main_export(
                str(checkpoint),
                output=scratch,
                task=task,
                trust_remote_code=False,
                convert_tokenizer=task == TEXT_GENERATION,
                ov_config=OVConfig(quantization_config=None),
            )
            _compress(Path(scratch))
        except (ValueError, KeyError, OSError, RuntimeError) as error:
            raise not_convertible(str(checkpoint), str(error).splitlines()[0], task) from error
        if folder.exists():
            _remove(folder)
        Path(scratch).rename(folder)
        Path(scratch).mkdir()  # the context manager removes what it made


def _compress(folder: Path) -> None:
    """Store the weights with 8 bits; the export leaves those of small models as they are."""
    import openvino

    nncf = import_module("nncf")
    file = folder / "openvino_model.xml"
    compressed = folder / "compressed.xml"
    core = openvino.Core()
    core.set_property({"ENABLE_MMAP": False})  # the file that was read is replaced
    model = nncf.compress_weights(core.read_model(file), mode=nncf.CompressWeightsMode.INT8_ASYM)
    openvino.save_model(model, compressed, compress_to_fp16=False)
    compressed.replace(file)
    compressed.with_suffix(".bin").replace(file.with_suffix(".bin"))


def ir_files(folder: Path) -> tuple[str, ...]:
    """The names of the files that belong into a package."""
    return tuple(sorted(path.name for path in folder.iterdir() if path.suffix in _IR_ENDINGS))


def _remove(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def extra_missing() -> ExallmError:
    """The error where the packages of the extra are not installed."""
    return ExallmError(
        "E-EXALLM-MODEL-23",
        "converting a checkpoint needs packages that are not installed",
        "pip install 'exallm[hub]'",
    )


def not_convertible(name: str, reason: str, task: str) -> ExallmError:
    """The error for a checkpoint that cannot be converted for a task, as optimum names it."""
    return ExallmError(
        "E-EXALLM-MODEL-25",
        f"{name} cannot be converted: {reason}",
        _FITTING[task],
    )
