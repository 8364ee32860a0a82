"""What happens around a step of transformers' Trainer: metrics, preemption, checkpoints."""

import math
import time
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from regraft_trainer.checkpoint import publish_checkpoint
from regraft_trainer.errors import DivergedError
from regraft_trainer.metrics import MetricsLog, StepMetrics
from regraft_trainer.model_folder import ModelFolder
from regraft_trainer.preemption import Preemption


class LogSteps(TrainerCallback):
    """Writes one metrics line a step, and stops at the first that is not finite: before it can be saved."""

    def __init__(self, log: MetricsLog, attempt: int) -> None:
        self._log = log
        self._attempt = attempt
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
        self._log.append(
            StepMetrics(
                attempt=self._attempt,
                step=state.global_step,
                lossNats=loss,
                learningRate=float(logs["learning_rate"]),
                gradientNorm=gradient_norm,
                stepSeconds=time.perf_counter() - self._began,
                tokensSeen=int(state.num_input_tokens_seen),
            )
        )


class StopWhenPreempted(TrainerCallback):
    """At the end of the step in which SIGTERM came: save, then stop."""

    def __init__(self, preemption: Preemption) -> None:
        self._preemption = preemption

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._preemption.requested:
            control.should_save = True
            control.should_training_stop = True


class PublishCheckpoints(TrainerCallback):
    """Takes what Trainer saved in its own folder, makes a loadable model folder of it, and moves it into place."""

    def __init__(self, checkpoints: Path, model_folder: ModelFolder, attempt: int) -> None:
        self._checkpoints = checkpoints
        self._model_folder = model_folder
        self._attempt = attempt

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: torch.nn.Module, **_: Any
    ) -> None:
        if not all(bool(torch.isfinite(weights).all()) for weights in model.parameters()):
            raise DivergedError(f"weights are not finite after step {state.global_step}; lower recipe.learningRate.")
        name = f"checkpoint-{state.global_step}"
        partial = Path(str(args.output_dir)) / name
        (partial / "training_args.bin").unlink(missing_ok=True)  # a pickle that nothing reads; job.json has it all
        self._model_folder.carry_files_to(partial)
        publish_checkpoint(partial, self._checkpoints / name, state.global_step, self._attempt)
