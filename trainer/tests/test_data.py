"""What is learned, and what is refused."""

import json
from pathlib import Path

import pytest

import tiny
from regraft_trainer.data import load_examples
from regraft_trainer.errors import DataInvalidError
from regraft_trainer.job import parse_job
from regraft_trainer.model_folder import open_model_folder
from regraft_trainer.rows import read_rows


def test_only_the_completion_and_the_end_token_carry_loss(root: Path) -> None:
    run = tiny.make_run(root, "labels")
    job = parse_job(json.loads((run / "job.json").read_text()))
    model, problems = open_model_folder(job)
    assert (problems, model is not None) == ([], True)
    assert model is not None
    tokenizer = tiny.make_tokenizer()
    rows = [json.loads(line) for line in (root / "train.jsonl").read_text().splitlines()]
    examples = load_examples(job, model)
    assert len(examples) == tiny.ROWS
    for row, example in zip(rows, examples, strict=True):
        prompt = [1, *(tokenizer.token_to_id(c) for c in row["prompt"])]
        completion = [*(tokenizer.token_to_id(c) for c in row["completion"]), 2]
        assert example["input_ids"] == prompt + completion
        assert example["labels"] == [-100] * len(prompt) + completion


def test_a_batch_is_padded_to_its_longest_row_and_padding_carries_neither_attention_nor_loss() -> None:
    from regraft_trainer.sft import collate

    batch = collate(
        [{"input_ids": [1, 5, 6, 2], "labels": [-100, -100, 6, 2]}, {"input_ids": [1, 7, 2], "labels": [-100, 7, 2]}],
        padding_id=9,
    )
    assert {name: tensor.tolist() for name, tensor in batch.items()} == {
        "input_ids": [[1, 5, 6, 2], [1, 7, 2, 9]],
        "attention_mask": [[1, 1, 1, 1], [1, 1, 1, 0]],
        "labels": [[-100, -100, 6, 2], [-100, 7, 2, -100]],
    }


def test_every_bad_line_is_named_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    lines = [
        '{"prompt":"?a>","completion":"a"}',
        "{",
        '{"prompt":"?a>"}',
        "[1]",
        '{"prompt":1,"completion":"a"}',
        "",
        "7",
    ]
    path.write_text("\n".join([*lines, '{"prompt":"?a>","completion":""}']) + "\n")
    with pytest.raises(DataInvalidError) as caught:
        read_rows([path])
    assert [problem.split(" ")[2] for problem in caught.value.problems] == ["2", "3", "4", "5", "6", "7", "8"]
    assert f"{path} line 3 has no completion, expected text" in caught.value.problems


def test_a_long_list_of_bad_lines_is_cut_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text("{}\n" * 50)
    with pytest.raises(DataInvalidError, match=r"line 20 has no prompt.*; and 30 more like these"):
        read_rows([path])


def test_bad_data_exits_65_with_file_and_line(root: Path) -> None:
    run = tiny.make_run(root, "bad-data")
    bad = root / "bad.jsonl"
    bad.write_text((root / "train.jsonl").read_text() + '{"prompt": "?abcdefghij>", "completion": "abcdefghij"}\n')
    value = json.loads((run / "job.json").read_text())
    (run / "job.json").write_text(json.dumps({**value, "dataset": str(bad)}))
    status, errors = tiny.train(run)
    assert status == 65
    sentence = f"{bad} line {tiny.ROWS + 1} has 24 tokens, recipe.maxLength is 16."
    assert tiny.error(run) == {"code": "TRAINER_DATA_INVALID", "message": sentence}
    assert sentence in errors


def test_a_dataset_that_is_not_there_exits_65(root: Path) -> None:
    run = tiny.make_run(root, "no-data")
    value = json.loads((run / "job.json").read_text())
    (run / "job.json").write_text(json.dumps({**value, "dataset": "/nowhere/train.jsonl"}))
    assert tiny.train(run)[0] == 65
    assert "/nowhere/train.jsonl cannot be read" in tiny.error(run)["message"]
