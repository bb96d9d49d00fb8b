"""The CPU engine: OpenVINO GenAI on an OpenVINO IR folder or on a GGUF file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exallm_udfs.engines.engine import (
    Generation,
    GenerationSettings,
    read_generation,
    refusal,
)
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
        # One more is the companion's.
        return 1 - (-(self.context_length + self.cached_prefix_tokens) // _BLOCK_TOKENS)

    def device_properties(self) -> dict[str, object]:
        """Properties of the CPU plug-in."""
        properties: dict[str, object] = {
            # Pinned, the processes that a database starts would all sit on the same first cores.
            "ENABLE_CPU_PINNING": False,
            # In the plug-in's own precisions, bf16 and 8-bit keys and values, one answer in six
            # changes with the rows beside it; these are as fast (docs/decisions.md).
            "INFERENCE_PRECISION_HINT": "f32",
            "KV_CACHE_PRECISION": "f16",
        }
        if self.threads is not None:
            properties["INFERENCE_NUM_THREADS"] = self.threads
        return properties


class OpenVinoEngine:
    """Continuous batching, with prefix caching unless the settings say otherwise.

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
        self._shares_prefixes = True
        self._next_request = 0
        try:
            self._tokenizer = openvino_genai.Tokenizer(path)
            self._companion_ids = self._tokenizer.encode("a").input_ids
        except RuntimeError as error:
            raise _cannot_load(path, _last_line(error)) from error

    @property
    def context_length(self) -> int:
        return self._settings.context_length

    def generate(
        self, prompts: Sequence[str], settings: GenerationSettings
    ) -> list[Generation | RowError]:
        self._open_pipeline(settings.share_prefixes and not settings.reproducible)
        config = self._generation_config(settings)
        results: list[Generation | RowError | None] = []
        requests: dict[int, tuple[Any, int]] = {}
        try:
            for position, prompt in enumerate(prompts):
                input_ids = self._tokenizer.encode(prompt).input_ids
                prompt_tokens = int(input_ids.shape[1])
                results.append(refusal(prompt_tokens, settings, self.context_length))
                if results[position] is None:
                    requests[position] = self._add(input_ids, config), prompt_tokens
            self._finish([handle for handle, _ in requests.values()])
        except BaseException:
            # What stays in the queue would be computed with the next call's prompts.
            self._cancel(handle for handle, _ in requests.values())
            raise
        return [
            result if result is not None else self._result(*requests[position], settings)
            for position, result in enumerate(results)
        ]

    def encode(self, prompt: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(prompt).input_ids.data[0].tolist()
        return ids

    def count_tokens(self, text: str) -> int:
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        return int(encoded.input_ids.shape[1])

    def close(self) -> None:
        self._pipeline = None
        self._tokenizer = None

    def _open_pipeline(self, shares_prefixes: bool) -> None:
        if self._pipeline is not None and self._shares_prefixes == shares_prefixes:
            return
        self._pipeline = None
        scheduler = self._genai.SchedulerConfig()
        scheduler.num_kv_blocks = self._settings.kv_blocks()
        scheduler.enable_prefix_caching = shares_prefixes
        # A prompt is computed in one piece: where it is split depends on the prompts beside it, and
        # a piece of one token is computed another way, to other last bits.
        scheduler.dynamic_split_fuse = False
        scheduler.max_num_batched_tokens = self._settings.context_length
        try:
            self._pipeline = self._genai.ContinuousBatchingPipeline(
                self._path, self._tokenizer, scheduler, "CPU", **self._settings.device_properties()
            )
        except RuntimeError as error:
            raise _cannot_load(self._path, _last_line(error)) from error
        self._shares_prefixes = shares_prefixes

    def _generation_config(self, settings: GenerationSettings) -> Any:
        config = self._genai.GenerationConfig()
        config.eos_token_id = self._tokenizer.get_eos_token_id()
        config.stop_token_ids = self._end_tokens()
        config.apply_chat_template = False
        config.max_new_tokens = settings.max_new_tokens
        config.stop_strings = set(settings.stop)
        config.logprobs = 1  # of the chosen token; none are reported without it
        config.do_sample = settings.temperature > 0
        if config.do_sample:
            config.temperature = settings.temperature
            config.rng_seed = settings.seed
        return config

    def _end_tokens(self) -> set[int]:
        tokens: set[int] = self._pipeline.get_config().stop_token_ids
        return tokens | {self._tokenizer.get_eos_token_id()}

    def _add(self, input_ids: Any, config: Any) -> Any:
        self._next_request += 1
        return self._pipeline.add_request(self._next_request, input_ids, config)

    def _finish(self, handles: Sequence[Any]) -> None:
        """Compute the requests.

        Beside them runs a companion whose text nobody reads: a matrix of one row takes another way
        through the CPU plug-in, so that the last bits of an answer, and now and then a word, would
        depend on whether its row was computed alone.
        """
        companion = None
        pending = self._running(handles)
        while pending:
            if companion is None or not self._running([companion]):
                companion = self._add(self._companion_ids, self._companion_config())
            self._pipeline.step()
            pending = self._running(pending)
        if companion is not None:
            self._cancel([companion])

    def _companion_config(self) -> Any:
        config = self._genai.GenerationConfig()
        config.eos_token_id = self._tokenizer.get_eos_token_id()
        config.apply_chat_template = False
        config.ignore_eos = True
        config.max_new_tokens = _BLOCK_TOKENS - 1
        return config

    def _running(self, handles: Sequence[Any]) -> list[Any]:
        running = self._genai.GenerationStatus.RUNNING
        return [handle for handle in handles if handle.get_status() == running]

    def _cancel(self, handles: Iterable[Any]) -> None:
        for handle in handles:
            handle.cancel()
        # A step takes cancelled requests out of the queue.
        while self._pipeline.has_non_finished_requests():
            self._pipeline.step()

    def _result(
        self, handle: Any, prompt_tokens: int, settings: GenerationSettings
    ) -> Generation | RowError:
        if handle.get_status() != self._genai.GenerationStatus.FINISHED:
            return RowError("E-EXALLM-ROW-3", "the engine had no room to compute this row")
        outputs = handle.read_all()
        if not outputs:
            # The engine hands out nothing where a stop string came first.
            return Generation("", prompt_tokens, 0, finish_reason="stop", score=0.0)
        token_ids = list(outputs[0].generated_ids)
        if token_ids and token_ids[-1] in self._end_tokens():
            token_ids.pop()
        # The engine ends at whole tokens, and misses a stop string that begins inside one.
        return read_generation(
            token_ids,
            outputs[0].generated_log_probs,
            self._tokenizer.decode,
            settings,
            prompt_tokens,
            ended=outputs[0].finish_reason == self._genai.GenerationFinishReason.STOP,
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
