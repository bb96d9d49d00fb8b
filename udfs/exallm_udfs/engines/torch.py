"""The engine for CUDA, and for models that OpenVINO does not have: torch and transformers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from exallm_udfs.answer import cut_at_stop
from exallm_udfs.engines.engine import (
    Generation,
    GenerationSettings,
    read_generation,
    refusal,
)
from exallm_udfs.errors import ExallmError
from exallm_udfs.row_error import RowError

_CPU_ROWS = 8
_CUDA_ROWS = 64
# Of one batch, padding and answers included.
_CPU_TOKENS = 8_192
_CUDA_TOKENS = 131_072


@dataclass(frozen=True)
class TorchSettings:
    """How much of the machine one process takes.

    :param context_length: tokens of one prompt and its answer; longer rows are row errors.
    :param threads: CPU threads of this process; None leaves torch's own number.
    """

    context_length: int
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.context_length < 2:
            raise ValueError("context_length has to be at least 2")
        if self.threads is not None and self.threads < 1:
            raise ValueError("threads has to be at least 1")


def cuda_is_there() -> bool:
    """Whether this process has torch and sees a GPU that it can use."""
    return find_spec("torch") is not None and bool(import_module("torch").cuda.is_available())


class TorchEngine:
    """A folder of safetensors: bf16 on CUDA, float32 on the CPU, batches padded on the left.

    The tokenizer is loaded at once, the weights with the first prompt. Raises E-EXALLM-MODEL-13
    where the model cannot be loaded, -28 where torch or transformers is not installed.
    """

    def __init__(self, path: Path, settings: TorchSettings) -> None:
        try:
            torch: Any = import_module("torch")
            transformers: Any = import_module("transformers")
        except ImportError as error:
            raise ExallmError(
                "E-EXALLM-MODEL-28",
                f"the engine torch is not in this environment: {error.name} is missing",
                "use a container that has it, or ask for the engine openvino",
            ) from error
        self._torch = torch
        self._transformers = transformers
        self._path = path
        self._settings = settings
        self._cuda = torch.cuda.is_available()
        self._model: Any = None
        if settings.threads is not None:
            torch.set_num_threads(settings.threads)
        self._tokenizer = self._load(transformers.AutoTokenizer, padding_side="left")
        if self._tokenizer.pad_token_id is None:
            self._tokenizer.pad_token_id = self._tokenizer.eos_token_id or 0

    @property
    def context_length(self) -> int:
        return self._settings.context_length

    def generate(
        self, prompts: Sequence[str], settings: GenerationSettings
    ) -> list[Generation | RowError]:
        encoded = [self.encode(prompt) for prompt in prompts]
        results: list[Generation | RowError | None] = [
            refusal(len(ids), settings, self.context_length) for ids in encoded
        ]
        computable = [position for position, result in enumerate(results) if result is None]
        for batch in self._batches(computable, encoded, settings):
            outcomes = self._run([encoded[position] for position in batch], settings)
            for position, outcome in zip(batch, outcomes, strict=True):
                results[position] = outcome
        return [result for result in results if result is not None]

    def encode(self, prompt: str) -> list[int]:
        # Without ``verbose=False`` a text longer than the model's context is warned of on stderr.
        ids: list[int] = self._tokenizer(prompt, verbose=False).input_ids
        return ids

    def count_tokens(self, text: str) -> int:
        encoded = self._tokenizer(text, add_special_tokens=False, verbose=False)
        return len(encoded.input_ids)

    def close(self) -> None:
        self._model = None
        self._tokenizer = None
        if self._cuda:
            self._torch.cuda.empty_cache()

    def _load(self, auto_class: Any, **arguments: Any) -> Any:
        try:
            return auto_class.from_pretrained(
                str(self._path), local_files_only=True, trust_remote_code=False, **arguments
            )
        except (ImportError, KeyError, OSError, RuntimeError, ValueError) as error:
            # transformers asks for more packages where it finds no tokenizer.
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise ExallmError(
                "E-EXALLM-MODEL-13",
                f"the engine cannot load {self._path.name}: {lines[0].strip()}",
                "package a transformers checkpoint with safetensors weights and its tokenizer",
            ) from error

    def _open_model(self) -> Any:
        if self._model is None:
            dtype = self._torch.bfloat16 if self._cuda else self._torch.float32
            self._model = self._load(
                self._transformers.AutoModelForCausalLM, dtype=dtype, use_safetensors=True
            )
            self._model = self._model.to("cuda" if self._cuda else "cpu").eval()
        return self._model

    def _batches(
        self, positions: Sequence[int], encoded: Sequence[list[int]], settings: GenerationSettings
    ) -> Iterator[list[int]]:
        """Positions by length, so that a batch has little padding."""
        most_rows = _CUDA_ROWS if self._cuda else _CPU_ROWS
        most_tokens = _CUDA_TOKENS if self._cuda else _CPU_TOKENS
        if settings.reproducible:
            most_rows = 1
        batch: list[int] = []
        for position in sorted(positions, key=lambda position: len(encoded[position])):
            tokens = (len(encoded[position]) + settings.max_new_tokens) * (len(batch) + 1)
            if batch and (len(batch) == most_rows or tokens > most_tokens):
                yield batch
                batch = []
            batch.append(position)
        if batch:
            yield batch

    def _run(self, rows: Sequence[list[int]], settings: GenerationSettings) -> list[Generation]:
        model = self._open_model()
        padded = self._tokenizer.pad({"input_ids": list(rows)}, return_tensors="pt")
        start = int(padded.input_ids.shape[1])
        choice = _TokenChoice(self._torch, settings, len(rows))
        stop = _StopStrings(self._torch, self._decode, settings.stop, start)
        with self._torch.inference_mode():
            output = model.generate(
                **padded.to(model.device),
                generation_config=self._generation_config(settings),
                logits_processor=[choice],
                stopping_criteria=[stop],
            )
        end_tokens = self._end_tokens()
        results = []
        for row, ids in enumerate(output[:, start:].tolist()):
            written, ended = _until_end(ids, end_tokens)
            log_probabilities = [step[row] for step in choice.log_probabilities]
            ended = ended or stop.done[row]
            results.append(
                read_generation(
                    written, log_probabilities, self._decode, settings, len(rows[row]), ended
                )
            )
        return results

    def _generation_config(self, settings: GenerationSettings) -> Any:
        """Nothing of the checkpoint's own settings, which may sample or penalise repetition."""
        return self._transformers.GenerationConfig(
            max_new_tokens=settings.max_new_tokens,
            do_sample=False,
            eos_token_id=self._end_tokens() or None,
            pad_token_id=self._tokenizer.pad_token_id,
        )

    def _end_tokens(self) -> list[int]:
        known = self._open_model().generation_config.eos_token_id
        tokens = known if isinstance(known, list) else [known]
        return sorted({*tokens, self._tokenizer.eos_token_id} - {None})

    def _decode(self, ids: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(
            list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text


def _until_end(ids: Sequence[int], end_tokens: Sequence[int]) -> tuple[list[int], bool]:
    for count, token in enumerate(ids):
        if token in end_tokens:
            return list(ids[:count]), True
    return list(ids), False


class _TokenChoice:
    """Chooses each row's next token and keeps its log probability before temperature.

    Sampling adds noise of the row's own generator and takes the largest, so that a row's text
    depends on its seed alone and not on the batch.
    """

    def __init__(self, torch: Any, settings: GenerationSettings, rows: int) -> None:
        self._torch = torch
        self._temperature = settings.temperature
        self._generators = [torch.Generator().manual_seed(settings.seed) for _ in range(rows)]
        self.log_probabilities: list[list[float]] = []

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        torch = self._torch
        log_probabilities = torch.log_softmax(scores.float(), dim=-1)
        ranked = log_probabilities
        if self._temperature > 0:
            noise = [
                -torch.log(torch.empty(scores.shape[1]).exponential_(generator=generator))
                for generator in self._generators
            ]
            ranked = ranked / self._temperature + torch.stack(noise).to(ranked.device)
        chosen = ranked.argmax(dim=-1, keepdim=True)
        self.log_probabilities.append(log_probabilities.gather(1, chosen)[:, 0].tolist())
        return torch.full_like(scores, -torch.inf).scatter(1, chosen, 0.0)


class _StopStrings:
    """Ends each row whose new text holds a stop string."""

    def __init__(
        self,
        torch: Any,
        decode: Callable[[Sequence[int]], str],
        stop: Sequence[str],
        start: int,
    ) -> None:
        self._torch = torch
        self._decode = decode
        self._stop = stop
        self._start = start
        self.done: list[bool] = []

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        texts = [self._decode(ids) for ids in input_ids[:, self._start :].tolist()]
        self.done = [cut_at_stop(text, self._stop) != text for text in texts]
        return self._torch.tensor(self.done, device=input_ids.device)
