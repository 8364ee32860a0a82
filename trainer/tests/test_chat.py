"""Chats: the model's own template says them, and only the assistant's words are learned."""

import json
from pathlib import Path

import pytest

import tiny
from regraft_trainer.chat_template import ChatTemplate, ChatTemplateError
from regraft_trainer.data import Example, load_examples
from regraft_trainer.errors import ConfigInvalidError, DataInvalidError
from regraft_trainer.job import parse_job
from regraft_trainer.model_folder import open_model_folder

TURNS = (
    "{{ bos_token }}{% for message in messages %}{% if message.role == 'assistant' %}"
    "{{ '>' + message.content + eos_token }}{% else %}{{ '?' + message.content }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '>' }}{% endif %}"
)
THINKING = """{%- for m in messages %}
{%- if m.role == 'assistant' %}
{%- if not loop.last %}{% set text = m.content.split('c') | last %}{% else %}{% set text = m.content %}{% endif %}
{{- '>' + text }}
{%- else %}
{{- '?' + m.content }}
{%- endif %}
{%- endfor %}"""
ODD = """{%- for m in messages -%}
    {%- if m['role'] not in ['user', 'assistant'] %}{{ raise_exception('no ' + m['role']) }}{% endif %}
    {% generation %}{{ m | tojson(indent=2) }}{% endgeneration %}
    {%- if loop.index > 5 %}{% break %}{% endif %}
    {%- if strftime_now is defined %}{% else %} fixed date {% endif %}
{% endfor -%}
{{ tools is none }} {{ '<b>' }} {% set ns = namespace(n=0) %}{% set ns.n = 3 %}{{ ns.n }}"""


def said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


TWO_TURNS = [said("user", "ab"), said("assistant", "ba"), said("user", "dc"), said("assistant", "cd")]


@pytest.mark.parametrize("source", [TURNS, THINKING, ODD.replace("strftime_now is defined", "false")])
@pytest.mark.parametrize("asks", [False, True])
def test_a_template_is_rendered_as_transformers_renders_it(source: str, asks: bool) -> None:
    from transformers.utils.chat_template_utils import render_jinja_template

    tokens = {"bos_token": "<bos>", "eos_token": "<eos>"}
    for messages in (TWO_TURNS, TWO_TURNS[:1], [said("user", "<é>&\n")]):
        theirs, _ = render_jinja_template([messages], chat_template=source, add_generation_prompt=asks, **tokens)
        assert ChatTemplate(source, tokens).render(messages, asks) == theirs[0]


def test_a_template_does_not_know_the_date_and_may_not_reach_out() -> None:
    assert "fixed date" in ChatTemplate(ODD, {}).render(TWO_TURNS)
    with pytest.raises(ChatTemplateError, match="no system"):
        ChatTemplate(ODD, {}).render([said("system", "be brief")])
    with pytest.raises(ChatTemplateError, match="unsafe"):
        ChatTemplate("{{ ''.__class__.__mro__ }}", {}).render([])
    with pytest.raises(ChatTemplateError, match="cannot be read"):
        ChatTemplate("{% if %}", {})


def examples_of(tmp_path: Path, rows: list[object], template: str | None = TURNS) -> list[Example]:
    run = tiny.make_run(tmp_path, "chat")
    (tmp_path / "model/chat_template.jinja").unlink()
    config = {"bos_token": "<bos>", "eos_token": {"content": "<eos>"}}
    (tmp_path / "model/tokenizer_config.json").write_text(
        json.dumps(config if template is None else {**config, "chat_template": template})
    )
    (tmp_path / "chat.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    tiny.change_job(run, dataset=str(tmp_path / "chat.jsonl"))
    job = parse_job(json.loads((run / "job.json").read_text()))
    model, problems = open_model_folder(job)
    assert model is not None, problems
    return load_examples(job, model)


def learned_text(example: Example) -> tuple[str, str]:
    """The tokens as text, and the learned ones with a dot for each of the others."""
    tokenizer = tiny.make_tokenizer()
    names = [(tokenizer.id_to_token(token) or "")[:1] for token in example["input_ids"]]
    shown = [name if label != -100 else "." for name, label in zip(names, example["labels"], strict=True)]
    assert all(label in (-100, token) for token, label in zip(example["input_ids"], example["labels"], strict=True))
    return "".join(names), "".join(shown)


def test_every_answer_of_a_chat_is_learned_with_its_end_and_nothing_else(tmp_path: Path) -> None:
    (example,) = examples_of(tmp_path, [{"messages": TWO_TURNS, "source": "left alone"}])
    assert learned_text(example) == ("<?ab>ba<?dc>cd<", ".....ba<....cd<")


def test_of_a_prompt_and_completion_in_messages_only_the_completion_is_learned(tmp_path: Path) -> None:
    rows: list[object] = [
        {"prompt": TWO_TURNS[:3], "completion": TWO_TURNS[3:]},
        {"prompt": "?ab>", "completion": "ba"},
        {"prompt": TWO_TURNS[:1], "completion": TWO_TURNS[1:]},
    ]
    assert [learned_text(example)[1] for example in examples_of(tmp_path, rows)] == [
        "............cd<",
        ".....ba<",
        ".....ba<....cd<",
    ]


def test_a_template_that_says_an_earlier_answer_otherwise_is_refused_by_line(tmp_path: Path) -> None:
    thought = [said("user", "ab"), said("assistant", "acb"), *TWO_TURNS[2:]]
    with pytest.raises(DataInvalidError) as caught:
        examples_of(tmp_path, [{"messages": TWO_TURNS[:2]}, {"messages": thought}], THINKING)
    (problem,) = caught.value.problems
    assert "line 2: the chat template says message 2 otherwise when it is the last" in problem
    assert "use one answer a row" in problem


def test_every_bad_chat_is_named_with_its_line(tmp_path: Path) -> None:
    rows = [
        {"messages": []},
        {"messages": [said("user", "ab")]},
        {"messages": [{"role": "user"}, said("assistant", "a")]},
        {"messages": ["ab"]},
        {"messages": [said("user", "a"), said("assistant", "")]},
        {"messages": TWO_TURNS, "prompt": "ab"},
        {"prompt": TWO_TURNS[:1], "completion": "ab"},
        {"messages": [said("user", "abcdefghijabcd"), said("assistant", "ab")]},
    ]
    with pytest.raises(DataInvalidError) as caught:
        examples_of(tmp_path, rows[:-1])
    where = f"{tmp_path}/chat.jsonl line"
    assert caught.value.problems == [
        f"{where} 1 has messages that are no list of messages",
        f"{where} 2 ends with a message of user, expected the assistant's answer",
        f"{where} 3 message 1 has a content that is no text",
        f"{where} 4 message 1 is no object with a role",
        f"{where} 5 ends with an empty answer, so nothing to learn",
        f"{where} 6 has messages beside prompt or completion, expected one or the other",
        f"{where} 7 has a prompt that is no text, expected text",
    ]


def test_a_chat_that_is_too_long_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(DataInvalidError, match=r"line 1 has 20 tokens, recipe.maxLength is 16"):
        examples_of(tmp_path, [{"messages": [said("user", "abcdefghijabcd"), said("assistant", "ab")]}])


def test_chats_for_a_model_without_a_template_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalidError, match=r"has no chat template \(chat_template.jinja\), and .* line 1"):
        examples_of(tmp_path, [{"messages": TWO_TURNS}], None)
