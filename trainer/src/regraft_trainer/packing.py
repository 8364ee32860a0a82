"""Several examples in one row, so that no arithmetic is spent on padding."""

import torch
from transformers import PreTrainedModel

from regraft_trainer.data import IGNORED, Example
from regraft_trainer.errors import ConfigInvalidError


class Pack(Example):
    """Examples one after the other. Positions start at 0 with each: that is how a model tells them apart."""

    position_ids: list[int]


def pack_examples(examples: list[Example], max_length: int) -> list[Pack]:
    """Fills packs in the dataset's order; an example that does not fit any more begins the next.

    The same examples give the same packs. An example's first token is not learned: nothing of its own comes before it.
    """
    packs: list[Pack] = []
    for example in examples:
        length = len(example["input_ids"])
        if not packs or len(packs[-1]["input_ids"]) + length > max_length:
            packs.append({"input_ids": [], "labels": [], "position_ids": []})
        packs[-1]["input_ids"] += example["input_ids"]
        packs[-1]["labels"] += [IGNORED, *example["labels"][1:]]
        packs[-1]["position_ids"] += range(length)
    return packs


def refuse_leaks_between_rows(model: PreTrainedModel) -> None:
    """Two short examples must have the logits in a pack that they have alone, whatever the attention is made of.

    Raises ConfigInvalidError when a model does not look at the positions for it. float32, no gradient, no dropout.
    """
    vocabulary = model.get_input_embeddings().weight.shape[0]
    rows = [[(11 + 7 * place) % vocabulary for place in range(9)], [(5 + 3 * place) % vocabulary for place in range(7)]]
    joined = [token for row in rows for token in row]
    was_training = model.training
    model.eval()
    with torch.no_grad():
        alone = torch.cat([model(input_ids=torch.tensor([row]), use_cache=False).logits[0] for row in rows])
        packed = model(
            input_ids=torch.tensor([joined]),
            position_ids=torch.tensor([[place for row in rows for place in range(len(row))]]),
            use_cache=False,
        ).logits[0]
    model.train(was_training)
    off = float((packed - alone).abs().max() / alone.abs().max())
    if not off < 1e-4:
        raise ConfigInvalidError(
            [
                f"recipe.packing is true, and in this model ({type(model).__name__}) packed examples see each other: "
                f"logits differ by {off:.1e} of the largest, expected less than 1e-4; set it to false"
            ]
        )
