"""How a version is asked in an evaluation: what ``EVALUATION_OPTIONS`` runs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from exallm_udfs.errors import ExallmError
from exallm_udfs.json_object import parse_object
from exallm_udfs.manifest import Manifest
from exallm_udfs.options import Options
from exallm_udfs.package import parse_manifest

PROBLEM_LIMIT = 2000


class EvaluationOptions:
    """A scalar function of ``task, model_reference, manifest, given_options``."""

    def run(self, ctx: Any) -> None:
        """Emit the options of the call, those asked for, the decoding settings, and a problem.

        The first three are JSON; the asked ones have sorted keys, so that equal options are equal
        texts. Only the problem is not NULL where the options are not valid.
        """
        manifest = parse_manifest(ctx.manifest.encode("utf-8"))
        try:
            asked = {} if ctx.given_options is None else _parsed(ctx.given_options)
            decoding = _decoding(ctx.task, Options.parse(json.dumps(asked)), manifest)
        except ExallmError as error:
            ctx.emit(None, None, None, error.problem[:PROBLEM_LIMIT])
            return
        call = {**asked, "model": ctx.model_reference} if ctx.task == "answer" else asked
        ctx.emit(_text(call), _text(asked), _text(decoding), None)


def _parsed(text: str) -> dict[str, Any]:
    """The options as they were written; ``ExallmError`` where they are not valid here."""
    Options.parse(text).refuse("model", "is the version that is evaluated")
    return parse_object(text)


def _decoding(task: str, options: Options, manifest: Manifest) -> dict[str, Any]:
    """All that says how the version is asked; ``ExallmError`` where it has not the task."""
    if task == "answer" and manifest.extraction is not None:
        return {**asdict(manifest.extraction), **asdict(options.reading(manifest))}
    prompt, _ = manifest.writing()
    return {**asdict(options.settings(manifest)), "template": prompt.template}


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
