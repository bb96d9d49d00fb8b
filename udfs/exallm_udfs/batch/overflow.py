"""The error for a row that is longer than its model takes."""

from __future__ import annotations

from exallm_udfs.batch.model import Model
from exallm_udfs.row_error import RowError


def too_long(model: Model, what: str) -> RowError:
    """The row error for ``what``, as ``the prompt``."""
    return RowError(
        "E-EXALLM-ROW-1",
        f"{what} has more than the {model.prompt_limit} tokens that {model.version} takes beside "
        f"{model.settings.max_new_tokens} new ones",
    )
