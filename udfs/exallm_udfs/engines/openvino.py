"""The CPU engine: OpenVINO GenAI on a GGUF file or on an OpenVINO IR folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exallm_udfs.answer import cut_at_stop
from exallm_udfs.engines.engine import Generation, GenerationSettings
from exallm_udfs.errors import ExallmError
from exallm_udfs.gguf_header import read_gguf_header
from exallm_udfs.row_error import RowError

# The CPU plug-in keeps keys and values in blocks of this many tokens.
_BLOCK_TOKENS = 32
_GGUF_ARCHITECTURES = ("llama", "qwen2", "qwen3")


@dataclass(frozen=True)
class OpenVinoSettings:
    """How much of the machine one process takes.

    :param context_length: tokens of one prompt and its answer; longer rows are row errors.
    :param threads: CPU threads; None takes all cores.
    :param cached_prefix_tokens: room beside one full context for prefixes that rows share.
    """

    context_length: int
    threads: int | None = None
    cached_prefix_tokens: int = 4096

    def __post_init__(self) -> None:
        if self.context_length < 2 or self.cached_prefix_tokens < 0:
            raise ValueError("context_length has to be at least 2, cached_prefix_tokens at least 0")
        if self.threads is not None and self.threads < 1:
            raise ValueError("threads has to be at least 1")

    def kv_blocks(self) -> int:
        """Blocks of the key-value cache, which is what bounds the engine's memory."""
        return -(-(self.context_length + self.cached_prefix_tokens) // _BLOCK_TOKENS)

    def device_properties(self) -> dict[str, object]:
        """Properties of the CPU plug-in."""
        # Pinned, the processes that a database starts would all sit on the same first cores.
        properties: dict[str, object] = {"ENABLE_CPU_PINNING": False}
        if self.threads is not None:
            properties["INFERENCE_NUM_THREADS"] = self.threads
        return properties


class OpenVinoEngine:
    """Continuous batching with prefix caching.

    The tokenizer is loaded at once, the weights with the first prompt, so that counting tokens
    needs no weights. Raises E-EXALLM-MODEL-12 for a broken GGUF, -13 where the engine cannot load
    the model.
    """

    def __init__(self, path: Path, settings: OpenVinoSettings) -> None:
        import openvino_genai

        if path.suffix == ".gguf":
            architecture = read_gguf_header(path).metadata.get("general.architecture")
            if architecture not in _GGUF_ARCHITECTURES:
                raise _cannot_load(path, f"a GGUF of architecture {architecture} is not supported")
        self._genai = openvino_genai
        self._path = path
        self._settings = settings
        self._pipeline: Any = None
        self._next_request = 0
        try:
            self._tokenizer = openvino_genai.Tokenizer(path)
            self._tokenizer.encode("a")
        except RuntimeError as error:
            raise _cannot_load(path, _last_line(error)) from error

    def generate(
        self, prompts: Sequence[str], settings: GenerationSettings
    ) -> list[Generation | RowError]:
        self._open_pipeline()
        config = self._generation_config(settings)
        results: list[Generation | RowError | None] = []
        handles: dict[int, tuple[Any, int]] = {}
        try:
            for position, prompt in enumerate(prompts):
                input_ids = self._tokenizer.encode(prompt).input_ids
                prompt_tokens = int(input_ids.shape[1])
                results.append(self._refusal(prompt_tokens, settings))
                if results[position] is None:
                    handle = self._pipeline.add_request(self._next_request, input_ids, config)
                    self._next_request += 1
                    handles[position] = handle, prompt_tokens
            while self._pipeline.has_non_finished_requests():
                self._pipeline.step()
        except BaseException:
            # What stays in the queue would be computed with the next call's prompts.
            for handle, _ in handles.values():
                handle.cancel()
            raise
        return [
            result if result is not None else self._result(*handles[position], settings.stop)
            for position, result in enumerate(results)
        ]

    def count_tokens(self, text: str) -> int:
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        return int(encoded.input_ids.shape[1])

    def close(self) -> None:
        self._pipeline = None
        self._tokenizer = None

    def _open_pipeline(self) -> None:
        if self._pipeline is not None:
            return
        scheduler = self._genai.SchedulerConfig()
        scheduler.num_kv_blocks = self._settings.kv_blocks()
        scheduler.enable_prefix_caching = True
        try:
            self._pipeline = self._genai.ContinuousBatchingPipeline(
                self._path, self._tokenizer, scheduler, "CPU", **self._settings.device_properties()
            )
        except RuntimeError as error:
            raise _cannot_load(self._path, _last_line(error)) from error

    def _generation_config(self, settings: GenerationSettings) -> Any:
        config = self._genai.GenerationConfig()
        end_token = self._tokenizer.get_eos_token_id()
        config.eos_token_id = end_token
        config.stop_token_ids = self._pipeline.get_config().stop_token_ids | {end_token}
        config.apply_chat_template = False
        config.max_new_tokens = settings.max_new_tokens
        config.stop_strings = set(settings.stop)
        config.do_sample = settings.temperature > 0
        if config.do_sample:
            config.temperature = settings.temperature
            config.rng_seed = settings.seed
        return config

    def _refusal(self, prompt_tokens: int, settings: GenerationSettings) -> RowError | None:
        if prompt_tokens == 0:
            return RowError("E-EXALLM-ROW-2", "the prompt has no tokens")
        if prompt_tokens + settings.max_new_tokens > self._settings.context_length:
            return RowError(
                "E-EXALLM-ROW-1",
                f"the prompt has {prompt_tokens} tokens; with {settings.max_new_tokens} new ones "
                f"that is more than the {self._settings.context_length} the model takes",
            )
        return None

    def _result(
        self, handle: Any, prompt_tokens: int, stop: Sequence[str]
    ) -> Generation | RowError:
        if handle.get_status() != self._genai.GenerationStatus.FINISHED:
            return RowError("E-EXALLM-ROW-3", "the engine had no room to compute this row")
        outputs = handle.read_all()
        if not outputs:
            # The engine hands out nothing where a stop string came first.
            return Generation("", prompt_tokens, completion_tokens=0, finish_reason="stop")
        generated = self._tokenizer.decode(outputs[0].generated_ids)
        # The engine ends at whole tokens, and misses a stop string that begins inside one.
        text = cut_at_stop(generated, stop)
        ended = outputs[0].finish_reason == self._genai.GenerationFinishReason.STOP
        return Generation(
            text=text,
            prompt_tokens=prompt_tokens,
            completion_tokens=len(outputs[0].generated_ids),
            finish_reason="stop" if ended or text != generated else "length",
        )


def _cannot_load(path: Path, problem: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-MODEL-13",
        f"the engine cannot load {path.name}: {problem}",
        "package a llama or qwen GGUF, or an OpenVINO IR folder with its tokenizer",
    )


def _last_line(error: RuntimeError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
