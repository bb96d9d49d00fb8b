"""A LoRA adapter and the GGUF that it was trained on, as one model."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

from exallm.models.lora_adapter import ADAPTER_FILES, read_lora_adapter
from exallm.models.lora_merge import check_merge, merge_lora
from exallm.models.openvino_ir import IR_FILES, write_openvino_ir
from exallm.models.source import ModelSettings, PackageSource, Progress
from exallm_udfs.manifest import Adapter
from exallm_udfs.package import file_sha256

# How every merged value compares with base plus adapter: the fields of a MergeCheck.
MERGE_FILE = "merge.json"
_ENGINE_FOLDER = "openvino"
_ADAPTER_FOLDER = "adapter"


def lora_source(
    settings: ModelSettings, gguf: Path, adapter: Path, cache: Path, progress: Progress
) -> PackageSource:
    """The package's source: merged weights as OpenVINO IR, and the adapter as it was trained.

    Its files are made once and kept in ``cache``. The merge is compared with base plus adapter,
    value by value, before the package is made.

    :param settings: of the model that the adapter makes.
    :param gguf: the weights that the adapter was trained on.
    :param adapter: a folder with :data:`ADAPTER_FILES`, as PEFT saves it.
    :raises ExallmError: E-EXALLM-MODEL-12 for a broken GGUF, E-EXALLM-MODEL-23 and -25 where
        OpenVINO GenAI is missing or does not take the model, E-EXALLM-MODEL-29 where the adapter
        cannot be merged.
    """
    lora = read_lora_adapter(adapter)
    digests = [file_sha256(gguf), *(file_sha256(adapter / name) for name in ADAPTER_FILES)]
    folder = cache / "lora" / hashlib.sha256("".join(digests).encode()).hexdigest()
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            progress("merging the adapter into the weights")
            merged = Path(scratch, "merged.gguf")
            merge_lora(gguf, lora, merged)
            check = check_merge(gguf, lora, merged)
            progress("converting the model to OpenVINO IR, 8 bits a weight")
            package = Path(scratch, "package")
            write_openvino_ir(merged, package / _ENGINE_FOLDER)
            (package / _ADAPTER_FOLDER).mkdir()
            for name in ADAPTER_FILES:
                shutil.copyfile(adapter / name, package / _ADAPTER_FOLDER / name)
            proof = package / _ADAPTER_FOLDER / MERGE_FILE
            proof.write_text(json.dumps(asdict(check), indent=2) + "\n", encoding="utf-8")
            package.rename(folder)
    files = [f"{_ENGINE_FOLDER}/{name}" for name in IR_FILES]
    files += [f"{_ADAPTER_FOLDER}/{name}" for name in (*ADAPTER_FILES, MERGE_FILE)]
    return PackageSource(
        folder=folder,
        files=tuple(files),
        engine_path=_ENGINE_FOLDER,
        tokenizer=f"{_ENGINE_FOLDER}/openvino_tokenizer.xml",
        settings=settings,
        adapter=Adapter(_ADAPTER_FOLDER, lora.scale, digests[0]),
    )
