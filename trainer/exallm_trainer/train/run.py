"""A run in this process: model, optimizer, data and where it stands."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from exallm_trainer import random_state
from exallm_trainer.device import choose_device, choose_precision
from exallm_trainer.run_folder import RunFolder
from exallm_trainer.train.agreement import require_agreement
from exallm_trainer.train.best import save_best
from exallm_trainer.train.checkpoint import Position, load_checkpoint, save_checkpoint
from exallm_trainer.train.computing import casts_left_to_autocast
from exallm_trainer.train.divergence import require_sound
from exallm_trainer.train.memory import estimate_memory, require_memory
from exallm_trainer.train.methods import METHODS
from exallm_trainer.train.objective import Sample, Validation
from exallm_trainer.train.order import epoch_order, fill_rows, steps_an_epoch
from exallm_trainer.train.report import EndedByObserverError, Observer, StepReport
from exallm_trainer.train.request import TrainRequest
from exallm_trainer.train.run_record import RunRecord, with_base
from exallm_trainer.train.schedule import learning_rate
from exallm_trainer.train.share import share_of
from exallm_trainer.train.validation import validate
from exallm_udfs.errors import ExallmError


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
        AcceleratorState._reset_state()  # else the process keeps its first run's precision
        self.accelerator = Accelerator(
            cpu=device.type == "cpu",
            mixed_precision="no" if precision == "fp32" else precision,
            log_with=request.tracker,
            project_dir=str(folder.path),
        )
        random_state.seed_everything(self.settings.seed)
        method, device = METHODS[request.recipe.method], self.accelerator.device
        start = method.start(request, device, precision)
        require_agreement({"base_sha256": start.sha256})
        record = with_base(record, folder, start.sha256, start.commit)
        self.model, self.tokenizer = start.model.to(device), start.tokenizer
        self.objective = method.objective(request, start, device, precision)
        self._require_samples()
        self._require_memory()
        self.record = record.started(device.type, precision, self.objective.left_out)
        self.optimizer = torch.optim.AdamW(
            [p for p in self.model.parameters() if p.requires_grad],
            lr=self.settings.learning_rate,
            weight_decay=self.settings.weight_decay,
            fused=True,
        )
        self.wrapped, self.stepper = self.accelerator.prepare(self.model, self.optimizer)
        found = load_checkpoint(folder.checkpoints, self.model, self.optimizer)
        self.position = Position() if found is None else found
        self.epoch_steps = steps_an_epoch(
            len(self.objective.training), self.settings.samples_per_step
        )
        self.total_steps = self.epoch_steps * self.settings.epochs
        self._ordered_epoch: int | None = None
        self._steps_of_epoch: list[list[int]] = []

    def go(self, observe: Observer) -> None:
        """Step until the end, the time, or the patience is reached."""
        self.accelerator.wait_for_everyone()  # all have read the folder as it was
        if self.accelerator.is_main_process:
            self.folder.write(self.record.values())
            former = self.request.former
            self.folder.keep_cards(
                self.request.data.card.text(), None if former is None else former.card.text()
            )
            self.folder.keep_metrics_until(self.position.step)
        if self.request.tracker:
            self.accelerator.init_trackers("exallm")
        self.wrapped.train()
        with casts_left_to_autocast(self.model, self.record.precision):
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
                try:
                    observe(report)
                except EndedByObserverError:
                    self._end("stopped")
                    return
            # Last: what a killed run has not told of this step, it computes and tells again.
            if report.validation is not None:
                self._save()
        self._end("finished")

    def _agreed(self, condition: bool) -> bool:
        """Whether it holds in any process: all have to stop at the same step."""
        flag = torch.tensor(float(condition), device=self.accelerator.device)
        return bool(self.accelerator.reduce(flag, reduction="sum") > 0)

    def _one_step(self, began: float, done_before: int, spent_before: float) -> StepReport:
        step_began = time.monotonic()
        position, settings = self.position, self.settings
        epoch, at = divmod(position.step, self.epoch_steps)
        samples = [self.objective.training[index] for index in self._order(epoch)[at]]
        position.step += 1
        rate = learning_rate(settings, position.step, self.total_steps)
        random_state.seed_step(settings.seed, position.step, self.accelerator.process_index)
        loss, norm = self._update(samples, rate)
        position.seconds = spent_before + time.monotonic() - began  # also where it ends here
        require_sound(position, loss, norm, self.accelerator.scaler is not None)
        step_seconds = time.monotonic() - step_began
        validation = self._look() if self._is_look() else None
        elapsed = time.monotonic() - began
        position.seconds = spent_before + elapsed
        pace = elapsed / (position.step - done_before)
        return StepReport(
            step=position.step,
            total_steps=self.total_steps,
            epoch=epoch + 1,
            loss=loss,
            learning_rate=rate,
            gradient_norm=norm,
            example_tokens=sum(sample.example_tokens for sample in samples),
            computed_tokens=sum(sample.computed_tokens for sample in samples),
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
                self.objective.training, settings.samples_per_step, settings.seed, epoch
            )
            self._ordered_epoch = epoch
        return self._steps_of_epoch

    def _update(self, samples: Sequence[Sample], rate: float) -> tuple[float, float]:
        """One step of the optimizer; mean loss over what is learnt, and the gradient's norm.

        Each process computes its share of the rows. Gradients are averaged over processes, so the
        sum of losses is scaled up by their number.
        """
        accelerator = self.accelerator
        learnt = sum(sample.learnt for sample in samples)
        rows = list(share_of(fill_rows(samples, self.settings.row_tokens), accelerator))
        scale = accelerator.num_processes / learnt
        total = torch.zeros((), device=accelerator.device)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        for number, (row, weight) in enumerate(rows):
            last = number == len(rows) - 1
            with nullcontext() if last else accelerator.no_sync(self.wrapped):
                loss = self.objective.loss(self.wrapped, row) * weight
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
        validation = validate(self.wrapped, self.objective, self.accelerator)
        if position.best is None or validation.score > position.best:
            position.best, position.best_step = validation.score, position.step
            position.best_loss, position.best_exact = validation.loss, validation.exact
            position.best_bits_per_byte = validation.bits_per_byte
            position.looks_since_best = 0
            save_best(
                self.folder,
                self.model,
                self.tokenizer,
                self.request.base_name,
                self.accelerator.is_main_process,
            )
        else:
            position.looks_since_best += 1
        return validation

    def _impatient(self) -> bool:
        return self.position.looks_since_best >= self.settings.patience

    def _save(self) -> None:
        save_checkpoint(
            self.folder.checkpoints,
            self.position,
            self.model,
            self.optimizer,
            self.accelerator.is_main_process,
        )

    def _end(self, state: str) -> None:
        self._save()
        if self.position.best is None:  # the time ended before the first look
            self._look()
        self.record = self.record.ended(state, self.position)
        if self.accelerator.is_main_process:
            self.folder.write(self.record.values())
        self.accelerator.end_training()

    def _require_samples(self) -> None:
        splits = {"training": self.objective.training, "validation": self.objective.validation}
        for name, samples in splits.items():
            if not samples:
                raise ExallmError(
                    "E-EXALLM-TRAIN-9",
                    f"the {name} split has nothing of at most {self.settings.max_tokens} tokens to"
                    f" train by {self.request.recipe.method}",
                    "prepare more data, or raise max_tokens in the recipe",
                )

    def _require_memory(self) -> None:
        longest_sample = max(sample.computed_tokens for sample in self.objective.training)
        longest = max(longest_sample, self.settings.row_tokens)
        require_memory(estimate_memory(self.model, longest), self.accelerator.device)
