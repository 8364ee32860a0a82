"""Writes the models to measure on: base, tuned, target, and what target + (tuned - base) has to come out as.

    python make_models.py SPEC.json FOLDER

SPEC: shape (keys of a Llama's config.json), shards, values (false: sparse files of zeros, and no expected model),
tokenizerTokens (0: no tokenizer). The same spec gives the same bytes. Memory: a few pieces of PIECE values.
"""

import json
import math
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import numpy as np
from bfloat16 import round_once, widen
from model_files import header_bytes, llama_tensors, plan_shards, shard_name, write_json_files

PIECE = 1 << 17
WEIGHT_SIZE = 0.02
TUNED_NOISE = 1e-3
TARGET_NOISE = 2e-3


def main(spec_path: Path, folder: Path) -> None:
    spec = json.loads(spec_path.read_text())
    names = ["base", "tuned", "target", *(["expected"] if spec["values"] else [])]
    shards = plan_shards(llama_tensors(spec["shape"]), spec["shards"])
    for name in names:
        (folder / name).mkdir(parents=True)
        write_json_files(folder / name, spec["shape"], shards)
        if spec["tokenizerTokens"] > 0:
            write_tokenizer(folder / name / "tokenizer.json", spec["tokenizerTokens"])
    seed = 0
    for index, shard in enumerate(shards):
        with ExitStack() as stack:
            paths = [folder / name / shard_name(index, len(shards)) for name in names]
            files = [stack.enter_context(path.open("wb")) for path in paths]
            header, size = header_bytes(shard)
            for file in files:
                file.write(header)
                if not spec["values"]:
                    file.truncate(len(header) + size)
            for _, shape in shard:
                seed += 1
                if spec["values"]:
                    write_values(files, shape, seed)


def write_values(files: list[BinaryIO], shape: tuple[int, ...], seed: int) -> None:
    """One tensor of base, tuned, target and expected.

    Tuned and target are base and noise, the same in every row: a change of low rank, as a fine-tune's is.
    """
    random = np.random.Generator(np.random.SFC64(seed))
    width = shape[-1]
    tuned_noise = TUNED_NOISE * random.standard_normal(width)
    target_noise = TARGET_NOISE * random.standard_normal(width)
    rows = math.prod(shape[:-1])
    step = max(1, PIECE // width)
    for begin in range(0, rows, step):
        size = (min(step, rows - begin), width)
        # Norms are ones, as they are before any training.
        weights = WEIGHT_SIZE * random.standard_normal(size, dtype=np.float32) if len(shape) > 1 else np.ones(size)
        base = round_once(weights.astype(np.float64))
        tuned = round_once(widen(base) + tuned_noise)
        target = round_once(widen(base) + target_noise)
        expected = round_once(widen(target) + (widen(tuned) - widen(base)))
        for file, values in zip(files, (base, tuned, target, expected), strict=True):
            file.write(values.tobytes())


def write_tokenizer(path: Path, tokens: int) -> None:
    """A byte-pair tokenizer of the size of Llama 3's: the last 256 tokens are added ones, two merges a token."""
    plain = tokens - 256
    document = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": plain + i,
                "content": f"<|special_{i}|>",
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for i in range(256)
        ],
        "model": {
            "type": "BPE",
            "vocab": {f"tok{i:x}": i for i in range(plain)},
            "merges": [f"t{i:x} ok{i % 4096:x}" for i in range(2 * plain)],
        },
    }
    path.write_text(json.dumps(document, separators=(",", ":")))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
