"""job.json as types."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from regraft_trainer.errors import ConfigInvalidError
from regraft_trainer.shapes import NULL, Nested, Rule, boolean, either, integer, number, one_of, read_shape

SCHEMA = "regraft.job/1"
HUB_DATASET = re.compile(
    r"hub://datasets/(?P<repo>[\w.-]+/[\w.-]+)@(?P<commit>[0-9a-f]{40})(?:#(?P<split>[\w-]+))?", re.ASCII
)

ABSOLUTE_PATH = Rule("an absolute path", lambda v: isinstance(v, str) and Path(v).is_absolute())
DATASET = Rule(
    "an absolute path or hub://datasets/OWNER/NAME@COMMIT[#SPLIT] "
    "(a whole commit of 40 hexadecimal digits: a branch or a tag can move between two attempts)",
    lambda v: isinstance(v, str) and (Path(v).is_absolute() or HUB_DATASET.fullmatch(v) is not None),
)
CHECKPOINT_PATH = Rule(
    "null or a path like checkpoints/checkpoint-100",
    lambda v: v is None or (isinstance(v, str) and re.fullmatch(r"checkpoints/checkpoint-[0-9]+", v) is not None),
)
MODULE_NAMES = Rule(
    "a list of module names",
    lambda v: isinstance(v, list) and len(v) > 0 and all(isinstance(name, str) and name != "" for name in v),
)


@dataclass(frozen=True)
class Lora:
    """An adapter on chosen modules: their weight W acts as W + s·B·A, and only A and B are trained."""

    rank: Annotated[int, integer(at_least=1)]
    alpha: Annotated[float, number("above 0", lambda v: v > 0)]
    """s is alpha / rank."""
    dropout: Annotated[float, number("from 0 to below 1", lambda v: 0 <= v < 1)] = 0.0
    """Of the adapter's input."""
    target_modules: Annotated[str | tuple[str, ...], either(one_of("all-linear"), MODULE_NAMES)] = "all-linear"
    """Last parts of module names, or every linear layer but the output head."""
    rs_lora: Annotated[bool, boolean()] = False
    """s is alpha / √rank."""


@dataclass(frozen=True)
class Divergence:
    """When a loss that is finite still means that training went wrong."""

    spike_factor: Annotated[float | None, either(NULL, number("above 1", lambda v: v > 1))] = None
    """Times the median of the last 50 losses; null: never."""
    patience: Annotated[int, integer(at_least=1)] = 3
    """Steps in a row above it that end the training."""


@dataclass(frozen=True)
class Recipe:
    """How to train. In job.json the same names in camelCase."""

    steps: Annotated[int, integer(at_least=1)]
    learning_rate: Annotated[float, number("above 0", lambda v: v > 0)]
    batch_size: Annotated[int, integer(at_least=1)]
    """Rows a step, over all processes; the last batch of a pass over the data may be smaller."""
    seed: Annotated[int, integer(at_least=0, at_most=2**32 - 1)]
    """Of data order, adapters and dropout. Equal seeds see equal data, whatever the model."""
    save_every: Annotated[int | Literal["auto"], either(integer(at_least=1), one_of("auto"))]
    """Steps between checkpoints; the last step always has one. "auto": save_interval.py."""
    max_length: Annotated[int, integer(at_least=2)]
    """Tokens a row may have, end token included; a longer row is refused."""
    method: Annotated[Literal["sft"], one_of("sft")] = "sft"
    micro_batch_size: Annotated[int | None, either(NULL, integer(at_least=1))] = None
    """Rows that are on a device at a time, at most. None: a process's whole share of the batch."""
    schedule: Annotated[Literal["linear", "constant", "cosine"], one_of("linear", "constant", "cosine")] = "linear"
    """After the warm-up: down to 0 at the last step (linear, cosine) or level."""
    warmup_steps: Annotated[int, integer(at_least=0)] = 0
    weight_decay: Annotated[float, number("of at least 0", lambda v: v >= 0)] = 0.0
    max_gradient_norm: Annotated[float, number("of at least 0 (0: no clipping)", lambda v: v >= 0)] = 1.0
    adam_beta1: Annotated[float, number("from 0 to below 1", lambda v: 0 <= v < 1)] = 0.9
    adam_beta2: Annotated[float, number("from 0 to below 1", lambda v: 0 <= v < 1)] = 0.999
    threads: Annotated[int, integer(at_least=1)] = 1
    precision: Annotated[Literal["float32", "bfloat16"], one_of("float32", "bfloat16")] = "float32"
    """Of the arithmetic; weights and optimizer state are float32 in both. bfloat16 is autocast."""
    gradient_checkpointing: Annotated[bool, boolean()] = False
    """Computes a layer's activations again for the backward pass instead of keeping them."""
    compile: Annotated[bool, boolean()] = False
    packing: Annotated[bool, boolean()] = False
    """Several examples in one row of up to max_length tokens; a row of a batch is then such a pack."""
    lora: Annotated[Lora | None, Nested(Lora, or_null=True)] = None
    divergence: Annotated[Divergence | None, Nested(Divergence, or_null=True)] = None

    def micro_batches(self, processes: int) -> tuple[int, int]:
        """Rows of a micro-batch, and how many of them each process does in a step.

        Raises ConfigInvalidError when the batch cannot be shared out so.
        """
        share = self.batch_size // processes
        if self.batch_size % processes != 0:
            raise ConfigInvalidError(
                [f"recipe.batchSize is {self.batch_size}, expected a multiple of the {processes} processes"]
            )
        rows = min(share, self.micro_batch_size or share)
        if share % rows != 0:
            raise ConfigInvalidError(
                [f"recipe.microBatchSize is {rows}, expected a divisor of the {share} rows each process has of a batch"]
            )
        return rows, share // rows


@dataclass(frozen=True)
class Job:
    """One attempt of one training."""

    attempt: Annotated[int, integer(at_least=1)]
    model: Annotated[str, ABSOLUTE_PATH]
    """Folder to start from: config.json, tokenizer.json, safetensors."""
    dataset: Annotated[str, DATASET]
    """File of examples, or a dataset repository at a commit: dataset_files.py."""
    recipe: Annotated[Recipe, Nested(Recipe)]
    schema: Annotated[str, one_of(SCHEMA)] = SCHEMA
    resume_from: Annotated[str | None, CHECKPOINT_PATH] = None
    """A checkpoint of this run folder, relative to it."""


def read_job(path: Path) -> Job:
    """Reads and checks job.json. Raises ConfigInvalidError with every problem."""
    try:
        value = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigInvalidError([f"{path} is missing; the trainer reads its job from there"]) from None
    except (OSError, ValueError) as error:
        raise ConfigInvalidError([f"{path} is not readable JSON ({error})"]) from None
    return parse_job(value)


def parse_job(value: object) -> Job:
    """Turns parsed JSON into a Job. Raises ConfigInvalidError with every problem."""
    problems: list[str] = []
    job = read_shape(Job, value, "", problems)
    if isinstance(value, Mapping) and "schema" not in value:
        problems.append(f'schema is missing, expected "{SCHEMA}"')
    if job is not None:
        size, micro = job.recipe.batch_size, job.recipe.micro_batch_size
        if micro is not None and size % micro != 0:
            problems.append(f"recipe.microBatchSize is {micro}, expected a divisor of recipe.batchSize, {size}")
    if job is None or problems:
        raise ConfigInvalidError([f"job.json: {problems[0]}", *problems[1:]])
    return job
