"""job.json as types. Strict: an unknown key is a problem, and all problems are reported at once."""

import difflib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from regraft_trainer.errors import ConfigInvalidError

SCHEMA = "regraft.job/1"


@dataclass(frozen=True)
class Rule:
    """What a value has to be: the words for it, and the test."""

    expected: str
    holds: Callable[[Any], bool]


def integer(at_least: int, at_most: int | None = None) -> Rule:
    words = f"an integer of at least {at_least}" + ("" if at_most is None else f" and at most {at_most}")
    return Rule(words, lambda v: type(v) is int and v >= at_least and (at_most is None or v <= at_most))


def number(words: str, holds: Callable[[float], bool]) -> Rule:
    return Rule(f"a number {words}", lambda v: type(v) in (int, float) and math.isfinite(v) and holds(v))


def one_of(*names: str) -> Rule:
    return Rule(" or ".join(f'"{name}"' for name in names), lambda v: v in names)


ABSOLUTE_PATH = Rule("an absolute path", lambda v: isinstance(v, str) and Path(v).is_absolute())
CHECKPOINT_PATH = Rule(
    "null or a path like checkpoints/checkpoint-100",
    lambda v: v is None or (isinstance(v, str) and re.fullmatch(r"checkpoints/checkpoint-[0-9]+", v) is not None),
)


@dataclass(frozen=True)
class Recipe:
    """How to train. In job.json the same names in camelCase."""

    steps: Annotated[int, integer(at_least=1)]
    learning_rate: Annotated[float, number("above 0", lambda v: v > 0)]
    batch_size: Annotated[int, integer(at_least=1)]
    """Rows a step; the last batch of a pass over the data may be smaller."""
    seed: Annotated[int, integer(at_least=0, at_most=2**32 - 1)]
    """Of data order and dropout. Equal seeds see equal data, whatever the model."""
    save_every: Annotated[int, integer(at_least=1)]
    """Steps between checkpoints; the last step always has one."""
    max_length: Annotated[int, integer(at_least=2)]
    """Tokens a row may have, end token included; a longer row is refused."""
    method: Annotated[Literal["sft"], one_of("sft")] = "sft"
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


@dataclass(frozen=True)
class Job:
    """One attempt of one training."""

    attempt: Annotated[int, integer(at_least=1)]
    model: Annotated[str, ABSOLUTE_PATH]
    """Folder to start from: config.json, tokenizer.json, safetensors."""
    dataset: Annotated[str, ABSOLUTE_PATH]
    """JSON lines with `prompt` and `completion`."""
    recipe: Recipe
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
    recipe_value = value.get("recipe") if isinstance(value, Mapping) else None
    arguments = _arguments(Job, value, "", problems)
    if isinstance(value, Mapping) and "recipe" in value:
        arguments["recipe"] = _arguments(Recipe, recipe_value, "recipe.", problems)
    if isinstance(value, Mapping) and "schema" not in value:
        problems.append(f'schema is missing, expected "{SCHEMA}"')
    if problems:
        raise ConfigInvalidError([f"job.json: {problems[0]}", *problems[1:]])
    return Job(**{**arguments, "recipe": Recipe(**arguments["recipe"])})


def _arguments(shape: type, value: object, prefix: str, problems: list[str]) -> dict[str, Any]:
    """Constructor arguments for a dataclass; appends what is wrong to `problems`."""
    if not isinstance(value, Mapping):
        problems.append(f"{prefix.rstrip('.') or 'the job'} is {_shown(value)}, expected an object")
        return {}
    known = {_camel_case(f.name): f for f in fields(shape)}
    problems.extend(_unknown(key, prefix, list(known)) for key in value if key not in known)
    hints = get_type_hints(shape, include_extras=True)
    arguments: dict[str, Any] = {}
    for key, field in known.items():
        rules = [r for r in getattr(hints[field.name], "__metadata__", ()) if isinstance(r, Rule)]
        if key not in value:
            if _is_required(field):
                problems.append(f"{prefix}{key} is missing, expected {rules[0].expected if rules else 'an object'}")
            continue
        broken = [rule for rule in rules if not rule.holds(value[key])]
        problems.extend(f"{prefix}{key} is {_shown(value[key])}, expected {rule.expected}" for rule in broken)
        arguments[field.name] = value[key]
    return arguments


def _unknown(key: str, prefix: str, known: list[str]) -> str:
    lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(key.lower(), list(lower), n=1, cutoff=0.5)
    hint = f"did you mean {lower[near[0]]}?" if near else f"known are {', '.join(known)}"
    return f"{prefix}{key} is unknown; {hint}"


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
