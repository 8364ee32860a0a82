"""Rows of JSON lines and Parquet files, checked: a prompt and a completion, as texts or as messages of a chat."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regraft_trainer.errors import DataInvalidError

KEYS = ("prompt", "completion", "messages")


@dataclass(frozen=True)
class TextRow:
    """Only the completion is learned."""

    where: str
    prompt: str
    completion: str


@dataclass(frozen=True)
class ChatRow:
    """What assistants say from message `learned_from` on is learned."""

    where: str
    """File and line or row, for sentences."""
    messages: tuple[Mapping[str, Any], ...]
    learned_from: int


def read_rows(files: list[Path]) -> list[TextRow | ChatRow]:
    """Every row, in order; other keys are left alone. Raises DataInvalidError with all problems."""
    rows: list[TextRow | ChatRow] = []
    problems: list[str] = []
    for file in files:
        for where, value in _parquet_rows(file) if file.suffix == ".parquet" else _json_lines(file):
            row = value if isinstance(value, str) else _row(where, value[0])
            if isinstance(row, str):
                problems.append(f"{where} {row}")
            else:
                rows.append(row)
    if problems:
        raise DataInvalidError(problems)
    if not rows:
        raise DataInvalidError([f"dataset {', '.join(map(str, files))} is empty, expected a row for each example"])
    return rows


def _json_lines(path: Path) -> Iterator[tuple[str, tuple[object] | str]]:
    """Each line's place, and its value in a tuple or what is wrong with it."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise DataInvalidError([f"dataset {path} cannot be read ({error.strerror})"]) from None
    if lines[-1] == b"":
        lines.pop()
    for number, line in enumerate(lines, start=1):
        yield f"{path} line {number}", _parsed(line)


def _parsed(line: bytes) -> tuple[object] | str:
    try:
        return (json.loads(line.decode("utf-8")),)
    except (ValueError, RecursionError) as error:
        return f"is not JSON ({error})"


def _parquet_rows(path: Path) -> Iterator[tuple[str, tuple[object] | str]]:
    import pyarrow
    from pyarrow import parquet

    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            columns = [name for name in KEYS if name in file.schema_arrow.names]
            if not columns:
                names = ", ".join(file.schema_arrow.names)
                raise DataInvalidError([f"dataset {path} has the columns {names}, expected {' or '.join(KEYS)}"])
            for batch in file.iter_batches(columns=columns, use_threads=False):
                for value in batch.to_pylist():
                    number += 1
                    yield f"{path} row {number}", ({k: v for k, v in value.items() if v is not None},)
    except (OSError, pyarrow.ArrowException) as error:
        raise DataInvalidError([f"dataset {path} cannot be read after row {number} ({error})"]) from error


def _row(where: str, value: object) -> TextRow | ChatRow | str:
    """The row, or what is wrong with it."""
    if not isinstance(value, dict):
        return "is not an object, expected prompt and completion, or messages"
    if "messages" in value:
        if "prompt" in value or "completion" in value:
            return "has messages beside prompt or completion, expected one or the other"
        return _chat(where, [], value["messages"], "messages")
    prompt, completion = value.get("prompt"), value.get("completion")
    if isinstance(prompt, list) and isinstance(completion, list):
        return _chat(where, prompt, completion, "completion")
    for name, text in (("prompt", prompt), ("completion", completion)):
        if not isinstance(text, str):
            return f"has {f'no {name}' if text is None else f'a {name} that is no text'}, expected text"
    if completion == "":
        return "has an empty completion, so nothing to learn"
    return TextRow(where, prompt, completion)


def _chat(where: str, before: list[Any], after: object, name: str) -> ChatRow | str:
    if not isinstance(after, list) or not after:
        return f"has {name} that are no list of messages"
    for position, message in enumerate([*before, *after], start=1):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            return f"message {position} is no object with a role"
        if not isinstance(message.get("content"), str):
            return f"message {position} has a content that is no text"
    if after[-1]["role"] != "assistant":
        return f"ends with a message of {after[-1]['role']}, expected the assistant's answer"
    if after[-1]["content"] == "":
        return "ends with an empty answer, so nothing to learn"
    messages = [{key: value for key, value in message.items() if value is not None} for message in [*before, *after]]
    return ChatRow(where, tuple(messages), len(before))
