"""The checkpoint that validation chose, as others load it."""

from __future__ import annotations

import shutil
from typing import Any

from exallm_trainer.run_folder import RunFolder, disk_refused
from exallm_trainer.train.checkpoint import trained_weights


def save_best(folder: RunFolder, model: Any, tokenizer: Any, base: str, write: bool) -> None:
    """Write ``best/``: a PEFT adapter, or a checkpoint with its tokenizer, in safetensors.

    :param base: what an adapter calls its base model; a path of this machine means nothing
        elsewhere.
    :param write: whether this process writes; all of a run have to call.
    :raises ExallmError: E-EXALLM-TRAIN-6 where the disk refuses; the earlier one stays.
    """
    from peft import PeftModel

    weights = trained_weights(model)
    if not write:
        return
    scratch = folder.path / ".best"
    try:
        shutil.rmtree(scratch, ignore_errors=True)
        if isinstance(model, PeftModel):
            model.peft_config["default"].base_model_name_or_path = base
            # Half the bytes: what 16 bits round off is far below what 8-bit weights do later.
            halves = {name: tensor.half() for name, tensor in weights.items()}
            model.save_pretrained(scratch, state_dict=halves, save_embedding_layers=False)
            (scratch / "README.md").unlink(missing_ok=True)
        else:
            model.save_pretrained(scratch, state_dict=weights)
            tokenizer.save_pretrained(scratch)
        shutil.rmtree(folder.best, ignore_errors=True)
        scratch.rename(folder.best)
    except (OSError, RuntimeError) as error:
        shutil.rmtree(scratch, ignore_errors=True)
        raise disk_refused(folder.best, error) from error
