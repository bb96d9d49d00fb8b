"""What the processes of a run have to see alike before they train together."""

from __future__ import annotations

from collections.abc import Mapping

from accelerate.utils import gather_object

from exallm_udfs.errors import ExallmError


def require_agreement(seen: Mapping[str, str]) -> None:
    """Compare what the processes see; all of them have to call.

    Gradients are averaged over processes: those of other weights, data or steps mean nothing, and
    a process that ends alone lets the others wait for ever. So all of them refuse together.

    :param seen: name to what this process sees by it.
    :raises ExallmError: E-EXALLM-TRAIN-13 in every process where one of them sees something else.
    """
    of_all = gather_object([dict(seen)])
    differing = [name for name in seen if len({each[name] for each in of_all}) > 1]
    if differing:
        raise ExallmError(
            "E-EXALLM-TRAIN-13",
            f"the processes of this run do not see the same {' and '.join(differing)}",
            "give every machine the same command, base and data, and a run folder that all share",
        )
