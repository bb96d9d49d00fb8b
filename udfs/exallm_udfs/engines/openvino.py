"""The CPU engine: OpenVINO GenAI on an OpenVINO IR folder or on a GGUF file."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exallm_udfs.engines.cpu_properties import cpu_properties
from exallm_udfs.engines.engine import (
    Generation,
    GenerationSettings,
    read_generation,
    refusal,
)
from exallm_udfs.engines.native_error import last_line
from exallm_udfs.engines.prefix_blocks import PrefixBlocks
from exallm_udfs.errors import ExallmError
from exallm_udfs.gguf_header import read_gguf_header
from exallm_udfs.row_error import RowError

# The CPU plug-in keeps keys and values in blocks of this many tokens.
_BLOCK_TOKENS = 32
# That are computed at a time, the companion included.
_MOST_ROWS = 256
# What OpenVINO GenAI reads; others end the process or are read wrongly.
GGUF_ARCHITECTURES = ("llama", "qwen2", "qwen3")


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
        # One more is the companion's, see _step.
        return 1 - (-(self.context_length + self.cached_prefix_tokens) // _BLOCK_TOKENS)

    def device_properties(self, reproducible: bool) -> dict[str, object]:
        """Properties of the CPU plug-in."""
        # With keys and values in the plug-in's own 8 bits, one answer in six changes with the
        # rows beside it; 16 bits are as fast (docs/decisions.md).
        return cpu_properties(self.threads, reproducible) | {"KV_CACHE_PRECISION": "f16"}


@dataclass(frozen=True)
class _Request:
    """A prompt that is being computed.

    :param blocks: of the key-value cache that it may come to need.
    """

    handle: Any
    prompt_tokens: int
    blocks: int


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
            if architecture not in GGUF_ARCHITECTURES:
                raise _cannot_load(path, f"a GGUF of architecture {architecture} is not supported")
        self._genai = openvino_genai
        self._path = path
        self._settings = settings
        self._pipeline: Any = None
        self._opened_for: tuple[bool, bool] | None = None
        self._next_request = 0
        self._companion: Any = None
        try:
            self._tokenizer = openvino_genai.Tokenizer(path)
            self._companion_ids = self._tokenizer.encode("a").input_ids
        except (IndexError, RuntimeError) as error:
            raise _cannot_load(path, last_line(error)) from error

    @property
    def context_length(self) -> int:
        return self._settings.context_length

    def generate(
        self, prompts: Sequence[str], settings: GenerationSettings
    ) -> list[Generation | RowError]:
        self._open_pipeline(settings)
        config = self._generation_config(settings)
        encoded = [self._tokenizer.encode(prompt).input_ids for prompt in prompts]
        results: list[Generation | RowError | None] = [
            refusal(int(ids.shape[1]), settings, self.context_length) for ids in encoded
        ]
        waiting = deque(position for position, result in enumerate(results) if result is None)
        running: dict[int, _Request] = {}
        prefixes = PrefixBlocks(
            _BLOCK_TOKENS, settings.share_prefixes and not settings.reproducible
        )
        try:
            while waiting or running:
                self._admit(waiting, running, encoded, config, prefixes)
                self._step()
                prefixes.end_step()
                for position, request in list(running.items()):
                    if self._is_over(request.handle):
                        results[position] = self._result(running.pop(position), settings)
        finally:
            # What stays in the queue would be computed with the next call's prompts.
            self._cancel(request.handle for request in running.values())
        return [result for result in results if result is not None]

    def encode(self, prompt: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(prompt).input_ids.data[0].tolist()
        return ids

    def count_tokens(self, text: str) -> int:
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        return int(encoded.input_ids.shape[1])

    def close(self) -> None:
        self._pipeline = None
        self._tokenizer = None

    def _open_pipeline(self, settings: GenerationSettings) -> None:
        """Load the weights, unless they are loaded for settings of this kind already."""
        shares_prefixes = settings.share_prefixes and not settings.reproducible
        opened_for = shares_prefixes, settings.reproducible
        if self._opened_for == opened_for:
            return
        self._opened_for = None
        self._pipeline = None
        scheduler = self._genai.SchedulerConfig()
        scheduler.num_kv_blocks = self._settings.kv_blocks()
        scheduler.enable_prefix_caching = shares_prefixes
        # Without it, prompts that share a prefix get wrong answers where one begins while another
        # is being computed (OpenVINO GenAI 2026.4). Nothing is split: _admit sees to that.
        scheduler.dynamic_split_fuse = True
        scheduler.max_num_seqs = _MOST_ROWS
        scheduler.max_num_batched_tokens = self._settings.context_length + _MOST_ROWS
        try:
            self._pipeline = self._genai.ContinuousBatchingPipeline(
                self._path,
                self._tokenizer,
                scheduler,
                "CPU",
                **self._settings.device_properties(settings.reproducible),
            )
        except (IndexError, RuntimeError) as error:
            raise _cannot_load(self._path, last_line(error)) from error
        self._opened_for = opened_for

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

    def _admit(
        self,
        waiting: deque[int],
        running: dict[int, _Request],
        encoded: Sequence[Any],
        config: Any,
        prefixes: PrefixBlocks,
    ) -> None:
        """Begin as many requests as one step computes and as surely fit in the key-value cache.

        A prompt that the engine had to split over two steps, or a request that it had to push out
        of the cache and compute again, would come to other last bits: a piece of one token is
        computed another way.
        """
        free = self._settings.kv_blocks() - 1 - sum(request.blocks for request in running.values())
        left = self._settings.context_length
        while waiting and len(running) < _MOST_ROWS - 1:
            input_ids = encoded[waiting[0]]
            tokens = int(input_ids.shape[1])
            blocks = -(-(tokens + config.max_new_tokens) // _BLOCK_TOKENS)
            if blocks > free or tokens > left or not prefixes.may_begin(input_ids.data[0].tolist()):
                return
            free -= blocks
            left -= tokens
            running[waiting.popleft()] = _Request(self._add(input_ids, config), tokens, blocks)

    def _add(self, input_ids: Any, config: Any) -> Any:
        self._next_request += 1
        return self._pipeline.add_request(self._next_request, input_ids, config)

    def _step(self) -> None:
        """Compute the next token of each running request.

        Beside them runs a companion whose text nobody reads: a matrix of one row takes another way
        through the CPU plug-in, so that the last bits of an answer, and now and then a word, would
        depend on whether its row was computed alone.
        """
        if self._companion is None or self._is_over(self._companion):
            self._companion = self._add(self._companion_ids, self._companion_config())
        self._pipeline.step()

    def _companion_config(self) -> Any:
        config = self._genai.GenerationConfig()
        config.eos_token_id = self._tokenizer.get_eos_token_id()
        config.stop_token_ids = {config.eos_token_id}
        config.apply_chat_template = False
        config.ignore_eos = True
        config.max_new_tokens = _BLOCK_TOKENS - 1
        return config

    def _is_over(self, handle: Any) -> bool:
        return bool(handle.get_status() != self._genai.GenerationStatus.RUNNING)

    def _cancel(self, handles: Iterable[Any]) -> None:
        for handle in handles:
            handle.cancel()
        if self._companion is not None:
            self._companion.cancel()
            self._companion = None
        # A step takes cancelled requests out of the queue.
        while self._pipeline.has_non_finished_requests():
            self._pipeline.step()

    def _result(self, request: _Request, settings: GenerationSettings) -> Generation | RowError:
        if request.handle.get_status() != self._genai.GenerationStatus.FINISHED:
            return RowError("E-EXALLM-ROW-3", "the engine had no room to compute this row")
        outputs = request.handle.read_all()
        if not outputs:
            # The engine hands out nothing where a stop string came first.
            return Generation("", request.prompt_tokens, 0, finish_reason="stop", score=0.0)
        token_ids = list(outputs[0].generated_ids)
        if token_ids and token_ids[-1] in self._end_tokens():
            token_ids.pop()
        # The engine ends at whole tokens, and misses a stop string that begins inside one.
        return read_generation(
            token_ids,
            outputs[0].generated_log_probs,
            self._tokenizer.decode,
            settings,
            request.prompt_tokens,
            ended=outputs[0].finish_reason == self._genai.GenerationFinishReason.STOP,
        )


def _cannot_load(path: Path, problem: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-MODEL-13",
        f"the engine cannot load {path.name}: {problem}",
        "package a llama or qwen GGUF, or an OpenVINO IR folder with its tokenizer",
    )
