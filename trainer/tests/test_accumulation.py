"""A batch that is too large for the device is done in pieces, and stays the same batch."""

import json
from pathlib import Path

import pytest

import tiny
from regraft_trainer.errors import ConfigInvalidError
from regraft_trainer.job import parse_job


def test_micro_batches_give_the_loss_gradient_and_tokens_of_the_whole_batch(tmp_path: Path) -> None:
    tiny.make_calm_model(tmp_path)
    whole = tiny.make_run(tmp_path, "whole")
    pieces = tiny.make_run(tmp_path, "pieces", microBatchSize=2)  # a pass ends with 2 of 50 rows: a batch of one piece
    assert (tiny.train_here(whole), tiny.train_here(pieces)) == (0, 0)
    expected, found = tiny.curve(whole), tiny.curve(pieces)
    assert len(found) == tiny.RECIPE["steps"]
    for step, (loss, gradient_norm, learning_rate, tokens) in expected.items():
        assert found[step] == (
            pytest.approx(loss, abs=1e-5),
            pytest.approx(gradient_norm, abs=1e-5),
            learning_rate,
            tokens,
        )


@pytest.mark.parametrize(
    ("batch", "micro", "processes", "expected"),
    [
        (32, None, 1, (32, 1)),
        (32, 8, 1, (8, 4)),
        (32, 8, 2, (8, 2)),
        (32, 32, 4, (8, 1)),  # more than a process has of the batch: all it has
        (32, None, 4, (8, 1)),
    ],
)
def test_a_batch_is_shared_out_over_processes_and_pieces(
    batch: int, micro: int | None, processes: int, expected: tuple[int, int]
) -> None:
    assert recipe_of(batch, micro).micro_batches(processes) == expected


@pytest.mark.parametrize(
    ("batch", "micro", "processes", "sentence"),
    [
        (7, None, 2, "recipe.batchSize is 7, expected a multiple of the 2 processes."),
        (24, 8, 2, "recipe.microBatchSize is 8, expected a divisor of the 12 rows each process has of a batch."),
    ],
)
def test_a_batch_that_cannot_be_shared_out_is_refused(
    batch: int, micro: int | None, processes: int, sentence: str
) -> None:
    with pytest.raises(ConfigInvalidError, match=sentence):
        recipe_of(batch, micro).micro_batches(processes)


def recipe_of(batch: int, micro: int | None) -> object:
    recipe = {**tiny.RECIPE, "batchSize": batch, "microBatchSize": micro}
    value = {"schema": "regraft.job/1", "attempt": 1, "model": "/m", "dataset": "/d", "recipe": recipe}
    return parse_job(json.loads(json.dumps(value))).recipe
