"""Supervised fine-tuning: next-token loss on completions, AdamW, all weights or an adapter. The whole recipe."""

import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoModelForCausalLM, PreTrainedModel, PrinterCallback, Trainer, TrainingArguments

from regraft_trainer.attempt import Attempt
from regraft_trainer.callbacks import LogSteps, PublishCheckpoints, SaveOrStop
from regraft_trainer.data import IGNORED, Example
from regraft_trainer.errors import ConfigInvalidError, PreemptedError
from regraft_trainer.job import Recipe
from regraft_trainer.metrics import MetricsLog
from regraft_trainer.model_folder import ModelFolder
from regraft_trainer.packing import pack_examples, refuse_leaks_between_rows
from regraft_trainer.save_interval import SaveInterval

SCHEDULES = {"linear": "linear", "constant": "constant_with_warmup", "cosine": "cosine"}


def train(attempt: Attempt, examples: list[Example]) -> None:
    """Trains to the last step, from the start or from `job.resume_from`, which the caller has verified.

    Raises ConfigInvalidError for weights that do not fit the config or a recipe the model cannot do, DivergedError at
    the first value that is not finite or the last of too many spikes, SupersededError when another attempt has taken
    over, PreemptedError after SIGTERM when steps remain.
    """
    job, recipe, ranks = attempt.job, attempt.job.recipe, attempt.ranks
    torch.set_num_threads(recipe.threads)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    arguments = training_arguments(recipe, ranks.processes, attempt.staging)
    resume_from = stage(attempt)
    trainer = SftTrainer(
        model=prepare_model(attempt.model_folder, recipe),
        args=arguments,
        train_dataset=pack_examples(examples, recipe.max_length) if recipe.packing else examples,
        data_collator=partial(collate, padding_id=attempt.model_folder.padding_id),
    )
    if recipe.lora is not None and (trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled):
        raise ConfigInvalidError(["recipe.lora with FSDP or DeepSpeed is not supported; use several processes without"])
    log = MetricsLog(attempt.run_folder / "metrics.jsonl") if ranks.is_main else None
    interval = SaveInterval(step_of(job.resume_from)) if recipe.save_every == "auto" else None
    for callback in (
        LogSteps(log, attempt.fence, job.attempt, recipe.divergence),
        PublishCheckpoints(attempt, merges_adapter=recipe.lora is not None),
        SaveOrStop(attempt.preemption, interval, ranks),
    ):
        trainer.add_callback(callback)
    trainer.remove_callback(PrinterCallback)
    if attempt.preemption.requested and ranks.processes == 1:
        raise PreemptedError("told to stop before the first step; nothing was trained and nothing is lost.")
    trainer.train(resume_from_checkpoint=None if resume_from is None else str(resume_from))
    if log is not None:
        log.close()
        attempt.remove_staging()
    step = trainer.state.global_step
    if step < recipe.steps:
        raise PreemptedError(
            f"told to stop; checkpoints/checkpoint-{step} is complete, {recipe.steps - step} steps remain."
        )


class SftTrainer(Trainer):
    """Packed batches have an attention mask only so that their tokens can be counted: positions keep rows apart."""

    def compute_loss(self, model: torch.nn.Module, inputs: Mapping[str, Any], *args: Any, **named: Any) -> Any:
        if "position_ids" in inputs:
            inputs = {name: tensor for name, tensor in inputs.items() if name != "attention_mask"}
        return super().compute_loss(model, inputs, *args, **named)


def prepare_model(folder: ModelFolder, recipe: Recipe) -> torch.nn.Module:
    """The weights, and around them what the recipe asks for."""
    model: torch.nn.Module = load_model(folder)
    if recipe.packing:
        refuse_leaks_between_rows(model)
    if recipe.gradient_checkpointing:
        # Its name until transformers 5.20 and after.
        enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
        try:
            enable()
        except ValueError as error:
            raise ConfigInvalidError([f"recipe.gradientCheckpointing is true ({error})"]) from error
    if recipe.lora is not None:
        from regraft_trainer.lora import add_adapter

        model = add_adapter(model, recipe)
    if recipe.compile:
        model.compile()
    return model


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


def training_arguments(recipe: Recipe, processes: int, output_dir: Path) -> TrainingArguments:
    rows, accumulated = recipe.micro_batches(processes)
    return TrainingArguments(
        output_dir=str(output_dir),
        max_steps=recipe.steps,
        per_device_train_batch_size=rows,
        gradient_accumulation_steps=accumulated,
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
        save_steps=recipe.steps if recipe.save_every == "auto" else recipe.save_every,
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
        remove_unused_columns=False,
        report_to="none",
        disable_tqdm=True,
    )


def stage(attempt: Attempt) -> Path | None:
    """Makes an empty place for half-written files and returns the folder to resume from, as Trainer expects it."""
    resume_from = attempt.job.resume_from
    checkpoint = None if resume_from is None else attempt.run_folder / resume_from
    if attempt.ranks.is_main:
        shutil.rmtree(attempt.staging.parent, ignore_errors=True)
        attempt.staging.mkdir(parents=True)
    if checkpoint is not None and attempt.job.recipe.lora is not None:
        from regraft_trainer.lora import stage_for_resume

        links = attempt.staging / "resume"
        if attempt.ranks.is_main:
            stage_for_resume(checkpoint, links)
        checkpoint = links
    if attempt.ranks.processes > 1:
        torch.distributed.barrier()
    return checkpoint


def step_of(resume_from: str | None) -> int:
    return 0 if resume_from is None else int(resume_from.rsplit("-", 1)[1])


def collate(examples: Sequence[Example], padding_id: int) -> dict[str, torch.Tensor]:
    """Pads on the right to the longest row. int64 tensors [rows, tokens]; position_ids only where rows are packs."""
    longest = max(len(example["input_ids"]) for example in examples)

    def padded(rows: list[list[int]], filler: int) -> torch.Tensor:
        return torch.tensor([row + [filler] * (longest - len(row)) for row in rows], dtype=torch.int64)

    batch = {
        "input_ids": padded([example["input_ids"] for example in examples], padding_id),
        "attention_mask": padded([[1] * len(example["input_ids"]) for example in examples], 0),
        "labels": padded([example["labels"] for example in examples], IGNORED),
    }
    if "position_ids" in examples[0]:
        # Position 0 again and again: a padding token is a row of its own, that nothing looks at.
        batch["position_ids"] = padded([example["position_ids"] for example in examples], 0)
    return batch
