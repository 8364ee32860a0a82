"""Rows to token ids; only completions, answers and the end token after a completion are learned."""

from typing import TypedDict

from tokenizers import Encoding, Tokenizer

from regraft_trainer.chat_template import ChatTemplate, ChatTemplateError
from regraft_trainer.dataset_files import dataset_files
from regraft_trainer.errors import ConfigInvalidError, DataInvalidError
from regraft_trainer.job import Job
from regraft_trainer.model_folder import ModelFolder
from regraft_trainer.rows import ChatRow, TextRow, read_rows

IGNORED = -100
"""The label of a token the loss leaves out."""


class Example(TypedDict):
    """One row as the model sees it; both lists have the same length."""

    input_ids: list[int]
    labels: list[int]


def load_examples(job: Job, model: ModelFolder) -> list[Example]:
    """Reads and tokenises the dataset, in its order. Raises DataInvalidError with all problems, each with its place."""
    rows = read_rows(dataset_files(job.dataset))
    tokenizer = Tokenizer.from_file(str(model.path / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    texts = iter(_text_examples([row for row in rows if isinstance(row, TextRow)], tokenizer, model))
    chats = iter(_chat_examples([row for row in rows if isinstance(row, ChatRow)], tokenizer, model))
    examples: list[Example] = []
    problems: list[str] = []
    limit = job.recipe.max_length
    for row in rows:
        example = next(texts if isinstance(row, TextRow) else chats)
        if isinstance(example, str):
            problems.append(f"{row.where}{example}")
        elif len(example["input_ids"]) > limit:
            problems.append(f"{row.where} has {len(example['input_ids'])} tokens, recipe.maxLength is {limit}")
        else:
            examples.append(example)
    if problems:
        raise DataInvalidError(problems)
    return examples


def _text_examples(rows: list[TextRow], tokenizer: Tokenizer, model: ModelFolder) -> list[Example | str]:
    """Prompt and completion are tokenised apart, as they are when a model answers."""
    end = model.end_token if isinstance(model.end_token, int) else tokenizer.token_to_id(model.end_token)
    if end is None and rows:
        raise ConfigInvalidError([f"model {model.path}: the end token {model.end_token} is not in tokenizer.json"])
    prompts = tokenizer.encode_batch([row.prompt for row in rows], add_special_tokens=True)
    completions = tokenizer.encode_batch([row.completion for row in rows], add_special_tokens=False)
    return [
        to_example(prompt.ids, completion.ids, end)
        if completion.ids
        else ": the tokenizer makes no token of its completion"
        for prompt, completion in zip(prompts, completions, strict=True)
    ]


def to_example(prompt: list[int], completion: list[int], end: int) -> Example:
    """The prompt is seen but not learned."""
    learned = [*completion, end]
    return {"input_ids": [*prompt, *learned], "labels": [IGNORED] * len(prompt) + learned}


def _chat_examples(rows: list[ChatRow], tokenizer: Tokenizer, model: ModelFolder) -> list[Example | str]:
    """The template's text is tokenised whole, and it alone brings special tokens, as transformers does it."""
    if not rows:
        return []
    source = model.chat_template()
    if source is None:
        raise ConfigInvalidError(
            [f"model {model.path} has no chat template (chat_template.jinja), and {rows[0].where} has messages"]
        )
    try:
        template = ChatTemplate(source, model.special_tokens())
    except ChatTemplateError as error:
        raise ConfigInvalidError([f"model {model.path}: its chat template {error}"]) from error
    said = [_say(row, template) for row in rows]
    encodings = iter(
        tokenizer.encode_batch([each[0] for each in said if not isinstance(each, str)], add_special_tokens=False)
    )
    return [each if isinstance(each, str) else _chat_example(next(encodings), each[1]) for each in said]


def _say(row: ChatRow, template: ChatTemplate) -> tuple[str, list[tuple[int, int]]] | str:
    """The conversation's text and where its answers are, or what is wrong with it."""
    try:
        return template.render_with_answers(row.messages, row.learned_from)
    except ChatTemplateError as error:
        return f": the chat template {error}"


def _chat_example(encoding: Encoding, answers: list[tuple[int, int]]) -> Example | str:
    """A token is learned when it starts in an answer."""
    labels = [
        token if any(start <= first < end for start, end in answers) else IGNORED
        for token, (first, _) in zip(encoding.ids, encoding.offsets, strict=True)
    ]
    if all(label == IGNORED for label in labels[1:]):
        return ": the tokenizer makes no token of its answers"
    return {"input_ids": encoding.ids, "labels": labels}
