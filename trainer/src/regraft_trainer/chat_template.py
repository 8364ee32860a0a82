"""The model folder's chat template, rendered as transformers renders it, without transformers.

One thing differs on purpose: `strftime_now` is not defined, because a training that goes on after midnight must see the
tokens it saw before. Templates that ask for it have a fixed date to fall back on, or are refused.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.nodes import CallBlock
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

Message = Mapping[str, Any]


class ChatTemplateError(Exception):
    """The template cannot say a conversation; the message says why."""


class ChatTemplate:
    """`special_tokens` are the texts a template may name: bos_token, eos_token and so on."""

    def __init__(self, source: str, special_tokens: Mapping[str, str]) -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
        )
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _raise_exception
        self._special_tokens = dict(special_tokens)
        try:
            self._template = environment.from_string(source)
        except jinja2.TemplateError as error:
            raise ChatTemplateError(f"cannot be read ({error})") from error

    def render(self, messages: Sequence[Message], add_generation_prompt: bool = False) -> str:
        """Raises ChatTemplateError for a conversation it cannot say."""
        try:
            return self._template.render(
                messages=list(messages),
                tools=None,
                documents=None,
                add_generation_prompt=add_generation_prompt,
                **self._special_tokens,
            )
        except (jinja2.TemplateError, TypeError, ValueError, KeyError, RecursionError) as error:
            raise ChatTemplateError(f"cannot say it ({' '.join(str(error).split())})") from error

    def render_with_answers(self, messages: Sequence[Message], learned_from: int) -> tuple[str, list[tuple[int, int]]]:
        """The whole conversation, and from where to where in it the assistant's answers are, ends excluded.

        An answer starts where the prompt for it ends. That is only true when each part of the conversation is rendered
        as the beginning of the whole. Raises ChatTemplateError when it is not: the model would learn answers to prompts
        that it is never given.
        """
        whole = self.render(messages)
        answers: list[tuple[int, int]] = []
        for position, message in enumerate(messages):
            if message["role"] != "assistant" or position < learned_from:
                continue
            prompt = self.render(messages[:position], add_generation_prompt=True)
            answered = self.render(messages[: position + 1])
            if not (answered.startswith(prompt) and whole.startswith(answered)):
                raise ChatTemplateError(
                    f"says message {position + 1} otherwise when it is the last: its prompt, {_end(prompt)}, is no "
                    "beginning of the whole; use one answer a row, or a template that renders turns one after the other"
                )
            answers.append((len(prompt), len(answered)))
        return whole, answers


class Generation(Extension):
    """`{% generation %}` marks the assistant's words in some templates; here it only has to be understood."""

    tags = {"generation"}  # noqa: RUF012 - jinja2 reads it

    def parse(self, parser: Parser) -> CallBlock:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return CallBlock(self.call_method("_said"), [], [], body).set_lineno(line)

    def _said(self, caller: Any) -> str:
        return str(caller())


def _to_json(
    value: object, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    """jinja2's own would write < as \\u003c."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise_exception(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _end(text: str) -> str:
    return json.dumps(text if len(text) <= 60 else "…" + text[-60:], ensure_ascii=False)
