"""Supervised fine-tuning: next-token loss on completions, AdamW, every parameter. The whole recipe is in this file."""

import shutil
from functools import partial
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM, PreTrainedModel, PrinterCallback, Trainer, TrainingArguments

from regraft_trainer.callbacks import LogSteps, PublishCheckpoints, StopWhenPreempted
from regraft_trainer.data import IGNORED, Example
from regraft_trainer.errors import ConfigInvalidError, PreemptedError
from regraft_trainer.job import Job, Recipe
from regraft_trainer.metrics import MetricsLog
from regraft_trainer.model_folder import ModelFolder
from regraft_trainer.preemption import Preemption

SCHEDULES = {"linear": "linear", "constant": "constant_with_warmup", "cosine": "cosine"}


def train(
    job: Job, run_folder: Path, model_folder: ModelFolder, examples: list[Example], preemption: Preemption
) -> None:
    """Trains to the last step, from the start or from `job.resume_from`, which the caller has verified.

    Raises ConfigInvalidError for weights that do not fit the config, DivergedError at the first value that is not
    finite, PreemptedError after SIGTERM when steps remain.
    """
    torch.set_num_threads(job.recipe.threads)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    model = load_model(model_folder)
    staging = run_folder / ".partial"  # Trainer writes here; a checkpoint moves out when it is whole
    shutil.rmtree(staging, ignore_errors=True)
    log = MetricsLog(run_folder / "metrics.jsonl")
    trainer = Trainer(
        model=model,
        args=training_arguments(job.recipe, staging),
        train_dataset=examples,
        data_collator=partial(collate, padding_id=model_folder.padding_id),
        callbacks=[
            LogSteps(log, job.attempt),
            StopWhenPreempted(preemption),
            PublishCheckpoints(run_folder / "checkpoints", model_folder, job.attempt),
        ],
    )
    trainer.remove_callback(PrinterCallback)
    if preemption.requested:
        raise PreemptedError("told to stop before the first step; nothing was trained and nothing is lost.")
    trainer.train(resume_from_checkpoint=str(run_folder / job.resume_from) if job.resume_from else None)
    log.close()
    shutil.rmtree(staging)
    step = trainer.state.global_step
    if step < job.recipe.steps:
        raise PreemptedError(
            f"told to stop; checkpoints/checkpoint-{step} is complete, {job.recipe.steps - step} steps remain."
        )


def load_model(folder: ModelFolder) -> PreTrainedModel:
    """Float32, from local safetensors. A weight that is missing, left over or of another shape is an error."""
    try:
        model, found = AutoModelForCausalLM.from_pretrained(
            folder.path,
            dtype=torch.float32,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigInvalidError([f"model {folder.path} does not load ({' '.join(str(error).split())})"]) from error
    problems = [
        f"model {folder.path}: weights {what}: {', '.join(sorted(map(str, found[key])))}"
        for key, what in (
            ("missing_keys", "missing from its files"),
            ("unexpected_keys", "its config has no place for"),
            ("mismatched_keys", "of another shape than its config says"),
        )
        if found[key]
    ]
    if problems:
        raise ConfigInvalidError(problems)
    return model


def training_arguments(recipe: Recipe, output_dir: Path) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(output_dir),
        max_steps=recipe.steps,
        per_device_train_batch_size=recipe.batch_size,
        optim="adamw_torch_fused",
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=SCHEDULES[recipe.schedule],
        warmup_steps=recipe.warmup_steps,
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_gradient_norm,
        adam_beta1=recipe.adam_beta1,
        adam_beta2=recipe.adam_beta2,
        seed=recipe.seed,
        data_seed=recipe.seed,
        bf16=recipe.precision == "bfloat16",
        use_cpu=not torch.cuda.is_available(),
        logging_strategy="steps",
        logging_steps=1,
        logging_nan_inf_filter=False,  # the default hides a loss that is not finite
        include_num_input_tokens_seen="non_padding",
        save_strategy="steps",
        save_steps=recipe.save_every,
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
        remove_unused_columns=False,
        report_to="none",
        disable_tqdm=True,
    )


def collate(examples: list[Example], padding_id: int) -> dict[str, torch.Tensor]:
    """Pads on the right to the longest row. Three int64 tensors [rows, tokens]."""
    longest = max(len(example["input_ids"]) for example in examples)

    def padded(rows: list[list[int]], filler: int) -> torch.Tensor:
        return torch.tensor([row + [filler] * (longest - len(row)) for row in rows], dtype=torch.int64)

    return {
        "input_ids": padded([example["input_ids"] for example in examples], padding_id),
        "attention_mask": padded([[1] * len(example["input_ids"]) for example in examples], 0),
        "labels": padded([example["labels"] for example in examples], IGNORED),
    }
