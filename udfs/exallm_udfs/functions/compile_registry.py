"""The registry's tables as one text: what ``COMPILE_REGISTRY`` runs."""

from __future__ import annotations

from typing import Any

from exallm_udfs.errors import ExallmError
from exallm_udfs.registry import RegisteredModel, RegisteredVersion, Registry

_REMEDY = "correct the registry's tables through the registry scripts"


class CompileRegistry:
    """A set function of ``kind, model, model_version, alias, package_path, sha256``."""

    def run(self, ctx: Any) -> str:
        """The text that the script ``REGISTRY`` holds; it does not depend on the rows' order.

        ``VERSION`` rows carry all but the alias, ``ALIAS`` rows the model, version and alias. Rows
        whose kind is NULL are passed over, so that a caller can compile a registry without models.
        Raises E-EXALLM-MODEL-15 on rows that contradict each other or are not valid.
        """
        versions: dict[str, dict[int, RegisteredVersion]] = {}
        aliases: dict[str, dict[str, int]] = {}
        while True:
            self._read_row(ctx, versions, aliases)
            if not ctx.next():
                break
        try:
            models = {
                model: RegisteredModel(versions.get(model, {}), aliases.get(model, {}))
                for model in {*versions, *aliases}
            }
        except ValueError as error:
            raise _invalid(str(error)) from None
        return Registry(models).encode()

    def _read_row(
        self,
        ctx: Any,
        versions: dict[str, dict[int, RegisteredVersion]],
        aliases: dict[str, dict[str, int]],
    ) -> None:
        if ctx.kind is None:
            return
        if ctx.model is None or ctx.model_version is None:
            raise _invalid(f"a row of kind {ctx.kind} has no model or version")
        if ctx.kind == "VERSION":
            try:
                version = RegisteredVersion(
                    ctx.model, ctx.model_version, ctx.package_path or "", ctx.sha256 or ""
                )
            except ValueError as error:
                raise _invalid(f"{ctx.model} v{ctx.model_version}: {error}") from None
            known = versions.setdefault(ctx.model, {}).setdefault(ctx.model_version, version)
            if known != version:
                raise _invalid(f"{ctx.model} v{ctx.model_version} has two packages")
        elif ctx.kind == "ALIAS":
            number = aliases.setdefault(ctx.model, {}).setdefault(
                ctx.alias or "", ctx.model_version
            )
            if number != ctx.model_version:
                raise _invalid(f"alias {ctx.alias} of {ctx.model} names two versions")
        else:
            raise _invalid(f"kind {ctx.kind!r} is neither VERSION nor ALIAS")


def _invalid(problem: str) -> ExallmError:
    return ExallmError("E-EXALLM-MODEL-15", f"the registry cannot be compiled: {problem}", _REMEDY)
