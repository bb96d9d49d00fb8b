"""The models that rows name, as the batch path asks them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from exallm_udfs.batch.passages import pieces
from exallm_udfs.engines.engine import Engine, GenerationSettings
from exallm_udfs.engines.span_reader import SpanReader
from exallm_udfs.errors import ExallmError
from exallm_udfs.manifest import Manifest
from exallm_udfs.model_cache import loaded_model
from exallm_udfs.names import ModelReference
from exallm_udfs.options import Options
from exallm_udfs.prompt import PLACEHOLDER, build_prompt
from exallm_udfs.registry import Registry, load_registry
from exallm_udfs.special_tokens import SpecialTokens

# Texts are counted in parts, and the parts' tokens may differ by a few from those of the whole.
_MARGIN_TOKENS = 8
# So near to the limit, a long prompt is counted whole.
_CLOSE_TOKENS = 64
# Tokenizers cut long texts off in silence, so no more than this is counted at once.
COUNTED_CHARACTERS = 2000


@dataclass(frozen=True)
class FoundModel:
    """A registered version, loaded.

    :param version: ``qa@v3``.
    """

    version: str
    manifest: Manifest
    engine: Engine | SpanReader


@dataclass(frozen=True)
class Model:
    """A loaded model that writes, with the settings of some rows.

    :param version: ``qa@v3``.
    """

    version: str
    template: str
    engine: Engine
    settings: GenerationSettings
    special_tokens: SpecialTokens

    def __post_init__(self) -> None:
        if self.settings.max_new_tokens + _MARGIN_TOKENS >= self.engine.context_length:
            raise ExallmError(
                "E-EXALLM-SQL-3",
                f"options: 'max_new_tokens' {self.settings.max_new_tokens} leaves no room for a "
                f"prompt in the {self.engine.context_length} tokens that {self.version} takes",
                "ask for fewer tokens",
            )

    @classmethod
    def of(
        cls,
        version: str,
        manifest: Manifest,
        engine: Engine,
        options: Options,
        stop: tuple[str, ...] = (),
    ) -> Model:
        """The model for rows with these options.

        :param stop: texts that end an answer, beside those of the options or the package.

        Raises E-EXALLM-SQL-3 for options that the model cannot serve.
        """
        prompt, _ = manifest.writing()
        settings = options.settings(manifest)
        return cls(
            version=version,
            template=prompt.template,
            engine=engine,
            settings=replace(settings, stop=tuple(dict.fromkeys((*settings.stop, *stop)))),
            special_tokens=SpecialTokens(engine.count_tokens),
        )

    @property
    def prompt_limit(self) -> int:
        """Tokens that a prompt may surely have."""
        return self.engine.context_length - self.settings.max_new_tokens - _MARGIN_TOKENS

    @property
    def template_head(self) -> int:
        """Characters that every prompt begins with."""
        return self.template.index(PLACEHOLDER)

    def prompt(self, text: str) -> str:
        """The prompt for a row's text, in which special tokens have no effect."""
        return build_prompt(self.template, self.special_tokens.disarm(text))

    def count_tokens(self, text: str) -> int:
        """Tokens of a row's text as they are in a prompt; a little too many for a long text."""
        disarmed = self.special_tokens.disarm(text)
        return sum(map(self.engine.count_tokens, pieces(disarmed, COUNTED_CHARACTERS)))

    def fits(self, prompt: str) -> bool:
        """Whether the engine has room for the prompt and its answer."""
        # No tokenizer makes more tokens than there are bytes.
        if len(prompt) <= self.prompt_limit and len(prompt.encode()) <= self.prompt_limit:
            return True
        spare = self.prompt_limit
        for piece in pieces(prompt, COUNTED_CHARACTERS):
            spare -= self.engine.count_tokens(piece)
            if spare < -_CLOSE_TOKENS:
                return False
        return spare >= 0 or len(self.engine.encode(prompt)) <= self.prompt_limit + _MARGIN_TOKENS


class Models:
    """Finds and loads models, the registry with the first of them.

    :param exa: the script's ``exa``.
    :param registry_schema: where exallm is installed; by default the schema of the script.
    """

    def __init__(self, exa: Any, registry_schema: str | None = None) -> None:
        self._exa = exa
        self._registry_schema = registry_schema
        self._registry: Registry | None = None

    def get(self, reference: ModelReference, options: Options) -> FoundModel:
        """The model, loaded; not to be kept, since the cache may close it for another one.

        Raises E-EXALLM-MODEL-3 to -14, -27 and -28.
        """
        if self._registry is None:
            self._registry = load_registry(self._exa, self._registry_schema)
        registered = self._registry.resolve(reference)
        loaded = loaded_model(
            registered,
            options.threads,
            engine=options.engine,
            memory_limit=int(self._exa.meta.memory_limit),
        )
        version = f"{registered.model}@v{registered.version}"
        return FoundModel(version, loaded.manifest, loaded.engine)

    def close(self) -> None:
        """Forget the registry."""
        self._registry = None
