"""Prompt-completion JSON lines to token ids; only the completion and the end token after it are learned."""

import json
from pathlib import Path
from typing import TypedDict

from tokenizers import Tokenizer

from regraft_trainer.errors import ConfigInvalidError, DataInvalidError
from regraft_trainer.job import Job
from regraft_trainer.model_folder import ModelFolder

IGNORED = -100
"""The label of a token the loss leaves out."""


class Example(TypedDict):
    """One row as the model sees it; both lists have the same length."""

    input_ids: list[int]
    labels: list[int]


def load_examples(job: Job, model: ModelFolder) -> list[Example]:
    """Reads and tokenises the dataset, in file order. Raises DataInvalidError with all problems, each with its line."""
    rows = read_rows(Path(job.dataset))
    tokenizer = Tokenizer.from_file(str(model.path / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    end = model.end_token if isinstance(model.end_token, int) else tokenizer.token_to_id(model.end_token)
    if end is None:
        raise ConfigInvalidError([f"model {model.path}: the end token {model.end_token} is not in tokenizer.json"])
    prompts = tokenizer.encode_batch([prompt for prompt, _ in rows], add_special_tokens=True)
    completions = tokenizer.encode_batch([completion for _, completion in rows], add_special_tokens=False)
    examples = [to_example(p.ids, c.ids, end) for p, c in zip(prompts, completions, strict=True)]
    limit = job.recipe.max_length
    problems = [
        f"{job.dataset} line {line} has {len(example['input_ids'])} tokens, recipe.maxLength is {limit}"
        for line, example in enumerate(examples, start=1)
        if len(example["input_ids"]) > limit
    ] + [
        f"{job.dataset} line {line}: the tokenizer makes no token of its completion"
        for line, completion in enumerate(completions, start=1)
        if not completion.ids
    ]
    if problems:
        raise DataInvalidError(problems)
    return examples


def to_example(prompt: list[int], completion: list[int], end: int) -> Example:
    """The prompt is seen but not learned."""
    learned = [*completion, end]
    return {"input_ids": [*prompt, *learned], "labels": [IGNORED] * len(prompt) + learned}


def read_rows(path: Path) -> list[tuple[str, str]]:
    """Prompt and completion of every line; other keys are left alone. Raises DataInvalidError with all problems."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise DataInvalidError([f"dataset {path} cannot be read ({error.strerror})"]) from None
    if lines[-1] == b"":
        lines.pop()
    if not lines:
        raise DataInvalidError([f"dataset {path} is empty, expected a line for each example"])
    rows: list[tuple[str, str]] = []
    problems: list[str] = []
    for number, line in enumerate(lines, start=1):
        row = _row(line)
        if isinstance(row, str):
            problems.append(f"{path} line {number} {row}")
        else:
            rows.append(row)
    if problems:
        raise DataInvalidError(problems)
    return rows


def _row(line: bytes) -> tuple[str, str] | str:
    """The row, or what is wrong with it."""
    try:
        value = json.loads(line.decode("utf-8"))
    except ValueError as error:
        return f"is not JSON ({error})"
    if not isinstance(value, dict):
        return "is not an object, expected prompt and completion"
    prompt, completion = value.get("prompt"), value.get("completion")
    if not isinstance(prompt, str):
        return f"has {'no prompt' if prompt is None else 'a prompt that is no text'}, expected text"
    if not isinstance(completion, str):
        return f"has {'no completion' if completion is None else 'a completion that is no text'}, expected text"
    if completion == "":
        return "has an empty completion, so nothing to learn"
    return prompt, completion
