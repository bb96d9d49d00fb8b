"""Properties of OpenVINO's CPU plug-in."""

from __future__ import annotations


def cpu_properties(threads: int | None, reproducible: bool) -> dict[str, object]:
    """How much of the processor a model takes, and how exactly it computes.

    :param threads: None takes all cores.
    """
    # Pinned, the processes that a database starts would all sit on the same first cores.
    properties: dict[str, object] = {"ENABLE_CPU_PINNING": False}
    if reproducible:
        # Otherwise bf16 where the processor has it.
        properties["INFERENCE_PRECISION_HINT"] = "f32"
    if threads is not None:
        properties["INFERENCE_NUM_THREADS"] = threads
    return properties
