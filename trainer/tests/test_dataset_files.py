"""Where rows may come from besides a file of JSON lines."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

import tiny
from regraft_trainer.dataset_files import choose_split
from regraft_trainer.errors import ConfigInvalidError, DataInvalidError
from regraft_trainer.job import parse_job
from regraft_trainer.rows import ChatRow, TextRow, read_rows

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def write_parquet(path: Path, rows: list[dict[str, object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.Table.from_pylist(rows), path, row_group_size=2)
    return path


def test_parquet_rows_are_those_of_the_same_json_lines(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"id": n, "prompt": f"?{n}", "completion": f"{n}"} for n in range(5)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = read_rows([write_parquet(tmp_path / "train.parquet", rows)])
    expected = read_rows([tmp_path / "train.jsonl"])
    assert [(row.prompt, row.completion) for row in found if isinstance(row, TextRow)] == [
        (row.prompt, row.completion) for row in expected if isinstance(row, TextRow)
    ]
    assert [row.where for row in found] == [f"{tmp_path}/train.parquet row {n}" for n in range(1, 6)]


def test_parquet_messages_are_chats_without_the_fields_that_only_other_rows_have(tmp_path: Path) -> None:
    ask, answer = {"role": "user", "content": "ab", "name": "Ada"}, {"role": "assistant", "content": "ba"}
    (row,) = read_rows([write_parquet(tmp_path / "a.parquet", [{"messages": [ask, answer]}])])
    assert isinstance(row, ChatRow)
    assert row.messages == (ask, answer)


def test_bad_parquet_is_named_with_row_or_column(tmp_path: Path) -> None:
    path = write_parquet(
        tmp_path / "a.parquet", [{"prompt": "a", "completion": "b"}, {"prompt": "a"}, {"prompt": None}]
    )
    with pytest.raises(DataInvalidError) as caught:
        read_rows([path])
    assert caught.value.problems == [
        f"{path} row 2 has no completion, expected text",
        f"{path} row 3 has no prompt, expected text",
    ]
    with pytest.raises(DataInvalidError, match="has the columns text, expected prompt or completion or messages"):
        read_rows([write_parquet(tmp_path / "b.parquet", [{"text": "a"}])])
    (tmp_path / "c.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataInvalidError, match=r"c.parquet cannot be read after row 0"):
        read_rows([tmp_path / "c.parquet"])


@pytest.mark.parametrize(
    ("names", "split", "chosen"),
    [
        (["data/test-0-of-1.parquet", "data/train-0-of-2.parquet", "data/train-1-of-2.parquet"], None, [1, 2]),
        (["data/test-0-of-1.parquet", "data/train-0-of-2.parquet", "data/train-1-of-2.parquet"], "test", [0]),
        (["train/a.jsonl", "train/b.jsonl"], None, [0, 1]),
        (["a.jsonl", "b.jsonl"], None, [0, 1]),  # no split has a name
        (["constrained.jsonl", "train.jsonl"], None, [1]),  # a part of the name, not a piece of a word
    ],
)
def test_a_split_is_the_files_with_its_name(names: list[str], split: str | None, chosen: list[int]) -> None:
    assert choose_split(names, split, "hub://x") == [names[index] for index in chosen]


def test_a_split_that_is_not_there_or_is_there_twice_is_refused() -> None:
    with pytest.raises(DataInvalidError, match=r"no .jsonl or .parquet file of the split train; it has test.jsonl"):
        choose_split(["test.jsonl"], None, "hub://x")
    with pytest.raises(DataInvalidError, match=r"of the split dev; it has none"):
        choose_split([], "dev", "hub://x")
    with pytest.raises(DataInvalidError, match=r"as .jsonl and as .parquet"):
        choose_split(["train.jsonl", "train.parquet"], None, "hub://x")


@pytest.mark.parametrize("name", ["hub://datasets/a/b", "hub://datasets/a/b@main", "hub://a/b@" + COMMIT, "data.jsonl"])
def test_a_dataset_that_could_change_is_refused(name: str) -> None:
    job = {"schema": "regraft.job/1", "attempt": 1, "model": "/m", "dataset": name, "recipe": tiny.RECIPE}
    with pytest.raises(ConfigInvalidError, match="a whole commit of 40 hexadecimal digits: a branch or a tag can move"):
        parse_job(job)


def test_a_hub_dataset_is_read_from_the_cache_without_a_network(root: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "hub/datasets--team--rows/snapshots" / COMMIT
    rows = [json.loads(line) for line in (tiny.make_dataset(tmp_path / "rows.jsonl")).read_text().splitlines()]
    write_parquet(snapshot / "data/train-00000-of-00001.parquet", rows)
    write_parquet(snapshot / "data/test-00000-of-00001.parquet", [{"text": "no row of this training"}])
    script = (
        "import sys; from regraft_trainer.__main__ import set_environment; "
        "from regraft_trainer.ranks import Ranks; set_environment(1, Ranks(0, 1, False)); "
        "from regraft_trainer.dataset_files import dataset_files; print(*dataset_files(sys.argv[1]))"
    )
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    environment = {**kept, "PYTHONPATH": str(tiny.SOURCE), "HF_HUB_CACHE": str(tmp_path / "hub")}

    def run(dataset: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", script, dataset]
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    found = run(f"hub://datasets/team/rows@{COMMIT}")
    assert found.stdout.strip() == str(snapshot / "data/train-00000-of-00001.parquet"), found.stderr
    assert "test-00000-of-00001.parquet" in run(f"hub://datasets/team/rows@{COMMIT}#test").stdout
    missing = run(f"hub://datasets/team/other@{COMMIT}")
    assert "is not in the local cache; download it first or set HF_HUB_OFFLINE=0" in missing.stderr
