"""What happens around a step of transformers' Trainer: metrics, the decision to save or stop, checkpoints."""

import math
import time
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from regraft_trainer.attempt import Attempt
from regraft_trainer.checkpoint import publish_checkpoint
from regraft_trainer.errors import DivergedError
from regraft_trainer.fence import Fence
from regraft_trainer.job import Divergence
from regraft_trainer.metrics import MetricsLog, StepMetrics, peak_resident_bytes
from regraft_trainer.preemption import Preemption
from regraft_trainer.ranks import Ranks
from regraft_trainer.save_interval import SaveInterval
from regraft_trainer.spikes import Spikes, observe_loss


class LogSteps(TrainerCallback):
    """Writes one metrics line a step, and stops at the first that diverged: before it can be saved.

    `log` is None where another process writes it: all of them see the same loss, and stop together.
    """

    def __init__(self, log: MetricsLog | None, fence: Fence, attempt: int, divergence: Divergence | None) -> None:
        self._log = log
        self._fence = fence
        self._attempt = attempt
        self._divergence = divergence
        self._spikes = Spikes()
        self._began = time.perf_counter()

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._began = time.perf_counter()

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict[str, float], **_: Any
    ) -> None:
        state.log_history.clear()  # metrics.jsonl has it; every checkpoint would carry it all again
        if "loss" not in logs:
            return  # the summary at the end
        loss, gradient_norm = float(logs["loss"]), float(logs["grad_norm"])
        if not (math.isfinite(loss) and math.isfinite(gradient_norm)):
            raise DivergedError(
                f"step {state.global_step} has loss {loss} and gradient norm {gradient_norm}, expected finite numbers; "
                "lower recipe.learningRate or look at the data."
            )
        if self._log is not None:
            self._fence.check()
            on_gpu = args.device.type == "cuda"
            self._log.append(
                StepMetrics(
                    attempt=self._attempt,
                    step=state.global_step,
                    lossNats=loss,
                    learningRate=float(logs["learning_rate"]),
                    gradientNorm=gradient_norm,
                    stepSeconds=time.perf_counter() - self._began,
                    tokensSeen=int(state.num_input_tokens_seen),
                    memoryBytes=torch.cuda.max_memory_allocated() if on_gpu else peak_resident_bytes(),
                    device="cuda" if on_gpu else "cpu",
                )
            )
        self._refuse_spikes(state.global_step, loss)

    def _refuse_spikes(self, step: int, loss: float) -> None:
        if self._divergence is None or self._divergence.spike_factor is None:
            return
        factor, patience = self._divergence.spike_factor, self._divergence.patience
        self._spikes = observe_loss(self._spikes, loss, factor)
        if self._spikes.in_a_row >= patience:
            raise DivergedError(
                f"step {step} has loss {loss}, the last of {patience} in a row above {factor} times the median of the "
                "losses before them; lower recipe.learningRate or look at the data of these steps."
            )


class SaveOrStop(TrainerCallback):
    """At a step's end: save and stop after SIGTERM, save when it is due. All processes do what any of them wants.

    `interval` is None where Trainer itself counts the steps between saves.
    """

    def __init__(self, preemption: Preemption, interval: SaveInterval | None, ranks: Ranks) -> None:
        self._preemption = preemption
        self._interval = interval
        self._ranks = ranks
        self._began = self._logged = time.perf_counter()

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._began = time.perf_counter()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        is_due = self._ranks.is_main and self._interval is not None and self._interval.is_due(state.global_step)
        stop, save = self._agree(self._preemption.requested, is_due, args.device)
        if stop or save:
            control.should_save = True
        if stop:
            control.should_training_stop = True

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._logged = time.perf_counter()  # the loss was read, so a GPU has done the step
        if self._interval is not None:
            self._interval.add_step(self._logged - self._began)

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._interval is not None:
            self._interval.add_save(state.global_step, time.perf_counter() - self._logged)

    def _agree(self, stop: bool, save: bool, device: torch.device) -> tuple[bool, bool]:
        if self._ranks.processes == 1:
            return stop, save
        wishes = torch.tensor([stop, save], dtype=torch.int32, device=device)
        torch.distributed.all_reduce(wishes, op=torch.distributed.ReduceOp.MAX)
        agreed = wishes.tolist()
        return bool(agreed[0]), bool(agreed[1])


class PublishCheckpoints(TrainerCallback):
    """Takes what Trainer saved in its own folder, makes a loadable model folder of it, and moves it into place."""

    def __init__(self, attempt: Attempt, merges_adapter: bool) -> None:
        self._attempt = attempt
        self._ranks = attempt.ranks
        self._merges_adapter = merges_adapter

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: torch.nn.Module, **_: Any
    ) -> None:
        if not all(bool(torch.isfinite(weights).all()) for weights in model.parameters()):
            raise DivergedError(f"weights are not finite after step {state.global_step}; lower recipe.learningRate.")
        self._wait_for_all()  # each process has left its random numbers
        if self._ranks.is_main:
            self._publish(Path(str(args.output_dir)) / f"checkpoint-{state.global_step}", state.global_step, model)
        self._wait_for_all()  # none may end the training while the checkpoint is on its way

    def _publish(self, partial: Path, step: int, model: torch.nn.Module) -> None:
        (partial / "training_args.bin").unlink(missing_ok=True)  # a pickle that nothing reads; job.json has it all
        if self._merges_adapter:
            from regraft_trainer.lora import split_checkpoint

            split_checkpoint(partial, model)
        attempt = self._attempt
        attempt.model_folder.carry_files_to(partial)
        final = attempt.checkpoints / partial.name
        publish_checkpoint(partial, final, step, attempt.job.attempt, attempt.fence.check)

    def _wait_for_all(self) -> None:
        if self._ranks.processes > 1:
            torch.distributed.barrier()
