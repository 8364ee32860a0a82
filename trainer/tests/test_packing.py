"""Several examples in one row, and none of them can tell."""

from pathlib import Path
from typing import Any

import pytest
import torch

import tiny
from regraft_trainer.data import Example
from regraft_trainer.errors import ConfigInvalidError
from regraft_trainer.packing import pack_examples, refuse_leaks_between_rows

ROWS: list[Example] = [
    {"input_ids": [1, 5, 6, 2], "labels": [-100, 5, 6, 2]},
    {"input_ids": [7, 8, 2], "labels": [7, 8, 2]},
    {"input_ids": [1, 9, 2], "labels": [-100, 9, 2]},
]


def test_packs_are_filled_in_order_positions_start_anew_and_no_first_token_is_learned() -> None:
    assert pack_examples(ROWS, 7) == [
        {
            "input_ids": [1, 5, 6, 2, 7, 8, 2],
            "labels": [-100, 5, 6, 2, -100, 8, 2],
            "position_ids": [0, 1, 2, 3, 0, 1, 2],
        },
        {"input_ids": [1, 9, 2], "labels": [-100, 9, 2], "position_ids": [0, 1, 2]},
    ]


def test_packed_rows_give_the_loss_gradients_and_tokens_of_rows_on_their_own(tmp_path: Path) -> None:
    tiny.make_calm_model(tmp_path)  # 50 rows in one batch either way
    alone = tiny.make_run(tmp_path, "alone", steps=4, batchSize=50, saveEvery=4)
    packed = tiny.make_run(tmp_path, "packed", steps=4, batchSize=50, saveEvery=4, packing=True, maxLength=32)
    assert (tiny.train_here(alone), tiny.train_here(packed)) == (0, 0)
    for step, (loss, gradient_norm, rate, tokens) in tiny.curve(alone).items():
        assert tiny.curve(packed)[step] == (
            pytest.approx(loss, abs=1e-5),
            pytest.approx(gradient_norm, abs=1e-5),
            rate,
            tokens,
        )


class Averages(torch.nn.Module):
    """Each token sees the mean of all before it: it does not look at positions."""

    def __init__(self) -> None:
        super().__init__()
        self.embeddings = torch.nn.Embedding(32, 8)

    def get_input_embeddings(self) -> torch.nn.Embedding:
        return self.embeddings

    def forward(self, input_ids: torch.Tensor, **_: Any) -> Any:
        sums = self.embeddings(input_ids).cumsum(1)
        means = sums / torch.arange(1, input_ids.shape[1] + 1)[None, :, None]
        return type("Output", (), {"logits": means @ self.embeddings.weight.T})


def test_a_model_in_which_packed_rows_see_each_other_is_refused() -> None:
    with pytest.raises(ConfigInvalidError, match=r"\(Averages\) packed examples see each other"):
        refuse_leaks_between_rows(Averages())


def test_a_packed_training_resumes_in_the_same_bytes(root: Path) -> None:
    whole = tiny.make_run(root, "packed-whole", steps=9, packing=True, maxLength=32)
    assert tiny.train_here(whole) == 0
    tiny.make_run(root, "packed-whole", 2, "checkpoints/checkpoint-5", steps=9, packing=True, maxLength=32)
    digest, curve = tiny.weights_digest(whole, 9), tiny.curve(whole)
    assert tiny.train_here(whole) == 0
    assert (tiny.weights_digest(whole, 9), tiny.curve(whole)) == (digest, curve)
