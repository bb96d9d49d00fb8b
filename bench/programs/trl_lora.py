"""LoRA training by TRL's SFTTrainer, timed.

Arguments: the GGUF, a folder for runs. A request names ``examples`` and ``steps``. Set well for two
cores: bf16, no checkpointing, batches of 8 of similar length, loss on the completion only. The
reply has ``example_tokens`` (without padding) and ``seconds``, from the first step's begin to the
last one's end.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer

from bench.programs.json_lines import serve
from bench.programs.lora_request import examples_of
from exallm_trainer.recipe import LoraSettings


class Clock(TrainerCallback):  # type: ignore[misc]
    """When the first step began and the last one ended."""

    began = 0.0
    ended = 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.began = self.began or time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.ended = time.perf_counter()


def timed(gguf: str, runs: str, request: dict[str, Any]) -> dict[str, Any]:
    """Train so many steps of eight examples."""
    examples = examples_of(request["examples"])
    file = Path(gguf)
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    model = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.bfloat16
    )
    rows = [{"prompt": e.prompt(), "completion": e.completion()} for e in examples]
    lora = LoraSettings()
    clock = Clock()
    with tempfile.TemporaryDirectory(dir=runs) as folder:
        trainer = SFTTrainer(
            model=model,
            processing_class=tokenizer,
            train_dataset=Dataset.from_list(rows),
            peft_config=LoraConfig(
                r=lora.rank,
                lora_alpha=lora.alpha,
                target_modules="all-linear",
                task_type="CAUSAL_LM",
            ),
            args=SFTConfig(
                output_dir=folder,
                max_steps=request["steps"],
                per_device_train_batch_size=8,
                learning_rate=4e-4,
                warmup_steps=5,
                bf16=True,
                use_cpu=True,
                gradient_checkpointing=False,
                completion_only_loss=True,
                train_sampling_strategy="group_by_length",
                include_num_input_tokens_seen="non_padding",
                max_length=1024,
                logging_steps=10,
                save_strategy="no",
                report_to="none",
                disable_tqdm=True,
            ),
            callbacks=[clock],
        )
        trainer.train()
    return {
        "steps": trainer.state.global_step,
        "example_tokens": int(trainer.state.num_input_tokens_seen),
        "seconds": clock.ended - clock.began,
    }


if __name__ == "__main__":
    serve(lambda request: timed(sys.argv[1], sys.argv[2], request))
