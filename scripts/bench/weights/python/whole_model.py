"""target + (tuned - base) as the published method has it: three whole models in memory, float64 a tensor at a time.

python whole_model.py TARGET TUNED BASE OUT
"""

import sys

import torch
from transformers import AutoModelForCausalLM


def main(target: str, tuned: str, base: str, out: str) -> None:
    models = [AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16) for folder in (target, tuned, base)]
    sums, minuends, subtrahends = (model.state_dict() for model in models)
    if not sums.keys() == minuends.keys() == subtrahends.keys():
        raise SystemExit("the three models have not the same tensors; give three of one architecture.")
    for name in sums:
        # The sum is float64; storing it in the bfloat16 tensor rounds, in torch by way of float32.
        sums[name] += minuends[name].double() - subtrahends[name].double()
    models[1].load_state_dict(sums)
    models[1].save_pretrained(out)


if __name__ == "__main__":
    main(*sys.argv[1:5])
