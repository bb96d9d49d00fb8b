"""A run in this process: model, optimizer, data and where it stands."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from accelerate import Accelerator
from torch.nn.functional import cross_entropy

from exallm_trainer import random_state
from exallm_trainer.device import choose_device, choose_precision
from exallm_trainer.run_folder import RunFolder
from exallm_trainer.train.base_model import BaseModel, add_adapter, load_base
from exallm_trainer.train.best import save_best
from exallm_trainer.train.checkpoint import Position, load_checkpoint, save_checkpoint
from exallm_trainer.train.divergence import require_sound
from exallm_trainer.train.memory import estimate_memory, require_memory
from exallm_trainer.train.order import epoch_order, steps_an_epoch
from exallm_trainer.train.passage import Passage
from exallm_trainer.train.report import Observer, StepReport
from exallm_trainer.train.request import TrainRequest
from exallm_trainer.train.row import fill_rows, row_of
from exallm_trainer.train.run_record import RunRecord
from exallm_trainer.train.schedule import learning_rate
from exallm_trainer.train.splits import read_splits
from exallm_trainer.train.validation import Validation, validate


def computing_device(request: TrainRequest) -> torch.device:
    """Where a request is computed."""
    return torch.device("cpu") if request.cpu else choose_device()


class Run:
    """Loaded and, where the folder has a checkpoint, put where that stood.

    :param record: of the folder; :attr:`record` is the one of now.
    """

    def __init__(self, request: TrainRequest, folder: RunFolder, record: RunRecord) -> None:
        self.request, self.folder = request, folder
        self.settings = request.recipe.optimisation
        device = computing_device(request)
        precision = choose_precision(self.settings.precision, device)
        self.accelerator = Accelerator(
            cpu=device.type == "cpu",
            mixed_precision="no" if precision == "fp32" else precision,
            log_with=request.tracker,
            project_dir=str(folder.path),
        )
        random_state.seed_everything(self.settings.seed)
        base = self._load(precision)
        self.model, self.tokenizer = base.model.to(self.accelerator.device), base.tokenizer
        self.splits = read_splits(request, self.tokenizer, self.accelerator.num_processes)
        self._require_memory()
        self.record = record.started(base.sha256, device.type, precision, self.splits.left_out)
        self.optimizer = torch.optim.AdamW(
            [p for p in self.model.parameters() if p.requires_grad],
            lr=self.settings.learning_rate,
            weight_decay=self.settings.weight_decay,
            fused=True,
        )
        found = load_checkpoint(folder.checkpoints, self.model, self.optimizer)
        self.position = Position() if found is None else found
        self.wrapped, self.stepper = self.accelerator.prepare(self.model, self.optimizer)
        self.epoch_steps = steps_an_epoch(
            len(self.splits.training), self.settings.passages_per_step
        )
        self.total_steps = self.epoch_steps * self.settings.epochs
        self._ordered_epoch: int | None = None
        self._steps_of_epoch: list[list[int]] = []

    def go(self, observe: Observer) -> None:
        """Step until the end, the time, or the patience is reached."""
        self.accelerator.wait_for_everyone()  # all have read the folder as it was
        if self.accelerator.is_main_process:
            self.folder.write(self.record.values())
            self.folder.keep_card(self.request.card)
            self.folder.keep_metrics_until(self.position.step)
        if self.request.tracker:
            self.accelerator.init_trackers("exallm")
        self.wrapped.train()
        with self._casts_left_to_autocast():
            self._steps(observe)

    def _steps(self, observe: Observer) -> None:
        began, budget = time.monotonic(), self.request.max_minutes
        done_before, spent_before = self.position.step, self.position.seconds
        while self.position.step < self.total_steps and not self._impatient():
            if budget is not None and self._agreed(time.monotonic() - began > 60 * budget):
                self._end("stopped")
                return
            report = self._one_step(began, done_before, spent_before)
            if self.accelerator.is_main_process:
                self.folder.log(report.figures())
                self.accelerator.log(report.figures(), step=report.step)
                observe(report)
        self._end("finished")

    def _agreed(self, condition: bool) -> bool:
        """Whether it holds in any process: all have to stop at the same step."""
        flag = torch.tensor(float(condition), device=self.accelerator.device)
        return bool(self.accelerator.reduce(flag, reduction="sum") > 0)

    def _casts_left_to_autocast(self) -> AbstractContextManager[None]:
        """PEFT would cast a layer's input up to the factors' float32, and autocast down again."""
        if self.accelerator.mixed_precision == "no":
            return nullcontext()
        from peft.helpers import disable_input_dtype_casting

        context: AbstractContextManager[None] = disable_input_dtype_casting(self.model)
        return context

    def _one_step(self, began: float, done_before: int, spent_before: float) -> StepReport:
        step_began = time.monotonic()
        position, settings = self.position, self.settings
        epoch, at = divmod(position.step, self.epoch_steps)
        passages = [self.splits.training[index] for index in self._order(epoch)[at]]
        position.step += 1
        rate = learning_rate(settings, position.step, self.total_steps)
        loss, norm = self._update(passages, rate)
        require_sound(position, loss, norm, self.accelerator.scaler is not None)
        step_seconds = time.monotonic() - step_began
        validation = self._look() if self._is_look() else None
        elapsed = time.monotonic() - began
        position.seconds = spent_before + elapsed
        if validation is not None:
            self._save()
        pace = elapsed / (position.step - done_before)
        return StepReport(
            step=position.step,
            total_steps=self.total_steps,
            epoch=epoch + 1,
            loss=loss,
            learning_rate=rate,
            gradient_norm=norm,
            example_tokens=sum(passage.example_tokens for passage in passages),
            computed_tokens=sum(passage.computed_tokens for passage in passages),
            step_seconds=step_seconds,
            seconds=position.seconds,
            seconds_left=pace * (self.total_steps - position.step),
            validation=validation,
        )

    def _order(self, epoch: int) -> list[list[int]]:
        """The steps of an epoch, which are kept until the next begins."""
        if self._ordered_epoch != epoch:
            settings = self.settings
            self._steps_of_epoch = epoch_order(
                self.splits.training, settings.passages_per_step, settings.seed, epoch
            )
            self._ordered_epoch = epoch
        return self._steps_of_epoch

    def _update(self, passages: Sequence[Passage], rate: float) -> tuple[float, float]:
        """One step of the optimizer; mean loss over the answer tokens, and the gradient's norm.

        Each process computes its share of the passages. Gradients are averaged over processes, so
        the sum of losses is scaled up by their number.
        """
        accelerator = self.accelerator
        learnt = sum(passage.answer_tokens for passage in passages)
        # A last step of few passages is computed by all where there is none for each.
        share = passages[accelerator.process_index :: accelerator.num_processes] or passages
        rows = fill_rows(share, self.settings.row_tokens)
        scale = accelerator.num_processes / learnt
        total = torch.zeros((), device=accelerator.device)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        for number, members in enumerate(rows):
            last = number == len(rows) - 1
            with nullcontext() if last else accelerator.no_sync(self.wrapped):
                row = row_of(members).to(accelerator.device)
                loss = cross_entropy(row.logits(self.wrapped), row.labels, reduction="sum")
                accelerator.backward(loss * scale)
                total += loss.detach()
        norm = accelerator.clip_grad_norm_(self.wrapped.parameters(), self.settings.clip)
        self.stepper.step()
        self.stepper.zero_grad()
        return float(accelerator.reduce(total, reduction="sum")) / learnt, float(norm)

    def _is_look(self) -> bool:
        at_end = self.position.step == self.total_steps
        return at_end or self.position.step % self.settings.validate_every == 0

    def _look(self) -> Validation:
        """Validate, and keep the checkpoint if it is the best so far."""
        position = self.position
        validation = validate(self.wrapped, self.splits.validation, self.accelerator)
        if position.best is None or validation.exact > position.best:
            position.best, position.best_step = validation.exact, position.step
            position.looks_since_best = 0
            if self.accelerator.is_main_process:
                save_best(self.folder, self.model, self.tokenizer, self.request.recipe.base)
        else:
            position.looks_since_best += 1
        return validation

    def _impatient(self) -> bool:
        return self.position.looks_since_best >= self.settings.patience

    def _save(self) -> None:
        if self.accelerator.is_main_process:
            save_checkpoint(self.folder.checkpoints, self.position, self.model, self.optimizer)

    def _end(self, state: str) -> None:
        self._save()
        if self.position.best is None:  # the time ended before the first look
            self._look()
        self.record = self.record.ended(state, self.position)
        if self.accelerator.is_main_process:
            self.folder.write(self.record.values())
        self.accelerator.end_training()

    def _load(self, precision: str) -> BaseModel:
        recipe = self.request.recipe
        # What is trained stays float32; a frozen base may be kept in what is computed with.
        half = recipe.method == "lora" and precision == "bf16"
        base = load_base(
            self.request.base,
            torch.bfloat16 if half else torch.float32,
            recipe.base_sha256,
            "eager" if self.accelerator.device.type == "cpu" else None,
        )
        if recipe.lora is None:
            return base
        return BaseModel(
            add_adapter(base.model, recipe.lora, self.request.adapter), base.tokenizer, base.sha256
        )

    def _require_memory(self) -> None:
        longest_passage = max(passage.computed_tokens for passage in self.splits.training)
        longest = max(longest_passage, self.settings.row_tokens)
        require_memory(estimate_memory(self.model, longest), self.accelerator.device)
