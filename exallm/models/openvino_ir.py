"""OpenVINO IR of a GGUF, made once so that no process has to read the GGUF again.

The weights keep their 8 bits and scales, and answers are the GGUF's to the bit; a process loads
the IR in two thirds of the time and maps its weights from the disk.
"""

from __future__ import annotations

import tempfile
from importlib import import_module
from pathlib import Path

from exallm_udfs.engines.openvino import GGUF_ARCHITECTURES
from exallm_udfs.errors import ExallmError
from exallm_udfs.gguf_header import read_gguf_header

IR_FILES = (
    "openvino_detokenizer.bin",
    "openvino_detokenizer.xml",
    "openvino_model.bin",
    "openvino_model.xml",
    "openvino_tokenizer.bin",
    "openvino_tokenizer.xml",
)


def write_openvino_ir(gguf: Path, folder: Path) -> None:
    """Write the :data:`IR_FILES` of ``gguf`` into ``folder``, which appears whole or not at all.

    :raises ExallmError: E-EXALLM-MODEL-12 for a broken file, E-EXALLM-MODEL-23 where OpenVINO GenAI
        is not installed, E-EXALLM-MODEL-25 where it does not take the model.
    """
    architecture = read_gguf_header(gguf).metadata.get("general.architecture")
    if architecture not in GGUF_ARCHITECTURES:
        raise _not_convertible(gguf, f"its architecture is {architecture}")
    try:
        genai = import_module("openvino_genai")
    except ImportError as error:
        raise ExallmError(
            "E-EXALLM-MODEL-23",
            "converting a GGUF needs OpenVINO GenAI, which is not installed",
            "pip install 'exallm[udfs]'",
        ) from error
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        # The engine writes the IR beside the GGUF that it opens.
        beside = Path(scratch, "model.gguf")
        beside.symlink_to(gguf.resolve())
        scheduler = genai.SchedulerConfig()
        scheduler.num_kv_blocks = 1
        try:
            tokenizer = genai.Tokenizer(beside, enable_save_ov_model=True)
            genai.ContinuousBatchingPipeline(
                beside, tokenizer, scheduler, "CPU", enable_save_ov_model=True
            )
        except (IndexError, RuntimeError) as error:
            raise _not_convertible(gguf, str(error).strip().splitlines()[-1]) from error
        beside.unlink()
        missing = [name for name in IR_FILES if not Path(scratch, name).is_file()]
        if missing:
            raise _not_convertible(gguf, f"the engine did not write {missing[0]}")
        Path(scratch).rename(folder)
        Path(scratch).mkdir()  # the context manager removes what it made


def _not_convertible(gguf: Path, problem: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-MODEL-25",
        f"{gguf.name} cannot be converted: {problem}",
        f"name a GGUF of an architecture in {', '.join(GGUF_ARCHITECTURES)}, with its tokenizer",
    )
