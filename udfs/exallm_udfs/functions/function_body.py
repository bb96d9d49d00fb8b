"""The text of an analyst's function: what ``FUNCTION_BODY`` runs."""

from __future__ import annotations

from typing import Any

from exallm_udfs.container_report import container_facts
from exallm_udfs.errors import ExallmError
from exallm_udfs.labelled_row import TASKS
from exallm_udfs.names import ModelReference

ACCELERATOR = "%perInstanceRequiredAcceleratorDevices {device};\n"
_BODY = """%perNodeAndCallInstanceLimit 4;
from exallm_udfs.functions.bound_function import {task}_function
function = {task}_function(exa, {reference}, {schema})
def run(ctx):
    return function.run(ctx)
def cleanup():
    function.close()
"""


class FunctionBody:
    """A scalar function of ``task, model_reference, registry_schema``."""

    def run(self, ctx: Any) -> str:
        """The body of a script that is bound to the reference, wherever the script lies.

        In a container that computes on a GPU it asks for one.
        Whatever the schema is called, it stands in the text as one ASCII literal of Python.
        Raises E-EXALLM-MODEL-1 for what is no model reference, -43 for an unknown task.
        """
        if ctx.task not in TASKS:
            raise ExallmError(
                "E-EXALLM-MODEL-43", f"there is no task {ctx.task!r}", f"use {' or '.join(TASKS)}"
            )
        ModelReference.parse(ctx.model_reference)
        facts = container_facts() or {}
        device = facts.get("accelerator")
        return (ACCELERATOR.format(device=device) if device else "") + _BODY.format(
            task=ctx.task,
            reference=ascii(ctx.model_reference),
            schema=ascii(ctx.registry_schema),
        )
