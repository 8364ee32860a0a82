"""Writes tiny models of four families with transformers, and judges what was recycled from them.

python make-models.py make FOLDER            FOLDER/<case>/{base,tuned,target}, and prints the cases as JSON
python make-models.py judge FOLDER SCALE     compares FOLDER/<case>/out with float64 numpy arithmetic, prints JSON
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    LlamaConfig,
    Olmo2Config,
    PretrainedConfig,
    PreTrainedModel,
    Qwen2Config,
)

SMALL = {
    "vocab_size": 160,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
# Each has something of its own: biases (Qwen2), norms of queries and keys (OLMo-2), four norms a layer (Gemma-2).
CASES = {
    "llama": (LlamaConfig, False, torch.bfloat16),
    "llama-tied-f32": (LlamaConfig, True, torch.float32),
    "olmo2-f16": (Olmo2Config, False, torch.float16),
    "qwen2-tied": (Qwen2Config, True, torch.bfloat16),
    "gemma2-tied": (Gemma2Config, True, torch.bfloat16),
}
SHARD = {"base": "40KB", "tuned": "1GB", "target": "25KB"}
ROPE_THETA = {"base": 10_000.0, "tuned": 10_000.0, "target": 500_000.0}
WIDTH = {"BF16": np.uint16, "F16": np.uint16, "F32": np.uint32}
# Significant bits, the hidden one included, and the exponent of the smallest subnormal.
SHAPE = {"BF16": (8, -133), "F16": (11, -24), "F32": (24, -149)}


def make(folder: Path) -> dict:
    for seed, (case, (family, tied, dtype)) in enumerate(CASES.items()):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config(family, tied)).to(dtype)
        nudge(model, 0.05)  # norms and biases, too, are not all ones and zeros
        for role in ("base", "tuned", "target"):
            if role != "base":
                nudge(model, 3e-3)
            model.config.rope_parameters = {"rope_type": "default", "rope_theta": ROPE_THETA[role]}
            model.save_pretrained(folder / case / role, max_shard_size=SHARD[role])
    return {"cases": list(CASES)}


def config(family: type[PretrainedConfig], tied: bool) -> PretrainedConfig:
    # Left out where it is tied by the family's own default, as released models do.
    options = {} if tied and family is Gemma2Config else {"tie_word_embeddings": tied}
    rope = {"rope_type": "default", "rope_theta": ROPE_THETA["base"]}
    head = {"head_dim": 8} if family is Gemma2Config else {}
    return family(**SMALL, **head, **options, rope_parameters=rope)


@torch.no_grad()
def nudge(model: PreTrainedModel, by: float) -> None:
    for parameter in model.parameters():
        parameter.add_(torch.randn_like(parameter) * by)


def judge(folder: Path, scale: float) -> dict:
    return {case: judge_case(folder / case, scale, tied) for case, (_, tied, _) in CASES.items()}


def judge_case(folder: Path, scale: float, tied: bool) -> dict:
    """Every stored tensor by its bits, and the same of what transformers makes of it."""
    target, tuned, base, found = (read(folder / role) for role in ("target", "tuned", "base", "out"))
    model, info = AutoModelForCausalLM.from_pretrained(folder / "out", dtype="auto", output_loading_info=True)
    state = model.state_dict()
    wrong = {}
    for name, (dtype, bits) in target.items():
        delta = values(*tuned[name]) - values(*base[name])
        expected = round_once(values(dtype, bits) + scale * delta, dtype)
        stored = found.get(name, ("missing", bits))
        if stored[0] != dtype or not np.array_equal(stored[1], expected):
            wrong[name] = "stored"
        elif not np.array_equal(as_bits(state[name]), expected):
            wrong[name] = "loaded"
    logits = model(torch.arange(12).unsqueeze(0)).logits
    return {
        "wrong": wrong,
        "extra": sorted(found.keys() - target.keys()),
        "compared": sum(bits.size for _, bits in target.values()),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "missing": sorted(info["missing_keys"]),
        "unexpected": sorted(info["unexpected_keys"]),
        "unmoved": sorted(name for name in target if np.array_equal(found[name][1], target[name][1])),
        "tied": model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr(),
        "stores_head": "lm_head.weight" in found,
        "rope_theta": model.config.rope_parameters["rope_theta"],
        "finite": bool(torch.isfinite(logits).all()),
        "same_shards": shards(folder / "out") == shards(folder / "target"),
        "sharded": len(shards(folder / "target")) > 1,
        "loads_delta": loads(folder / "delta"),
    }


def read(folder: Path) -> dict[str, tuple[str, np.ndarray]]:
    """Name -> dtype and bits of every tensor, read without the library that wrote it."""
    tensors = {}
    for path in sorted(folder.glob("*.safetensors")):
        data = path.read_bytes()
        start = 8 + int.from_bytes(data[:8], "little")
        header = json.loads(data[8:start])
        for name, entry in header.items():
            if name != "__metadata__":
                first, end = (start + offset for offset in entry["data_offsets"])
                bits = np.frombuffer(data[first:end], dtype=WIDTH[entry["dtype"]])
                tensors[name] = (entry["dtype"], bits.reshape(entry["shape"]))
    return tensors


def values(dtype: str, bits: np.ndarray) -> np.ndarray:
    if dtype == "BF16":
        return (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return bits.view(np.float16 if dtype == "F16" else np.float32).astype(np.float64)


def round_once(exact: np.ndarray, dtype: str) -> np.ndarray:
    """The bits of finite float64 values in `dtype`, to nearest even.

    torch would go to bfloat16 by way of float32, which rounds twice; here a value is counted in last places, which is
    exact, and the count is rounded to a whole number, which rint does to nearest even.
    """
    precision, lowest = SHAPE[dtype]
    _, exponent = np.frexp(exact)  # 0.5 <= |mantissa| < 1
    place = np.where(exact == 0, lowest, np.maximum(exponent - precision, lowest))
    count = np.abs(np.rint(np.ldexp(exact, -place))).astype(np.uint64)
    magnitude = ((place - lowest).astype(np.uint64) << np.uint64(precision - 1)) + count
    sign = np.signbit(exact).astype(np.uint64) << np.uint64(8 * WIDTH[dtype]().itemsize - 1)
    return (sign | magnitude).astype(WIDTH[dtype])


def as_bits(tensor: torch.Tensor) -> np.ndarray:
    integers = tensor.contiguous().view(torch.int32 if tensor.dtype == torch.float32 else torch.int16).numpy()
    return integers.view(np.uint32 if integers.dtype == np.int32 else np.uint16)


def shards(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("*.safetensors*"))


def loads(folder: Path) -> bool:
    try:
        AutoModelForCausalLM.from_pretrained(folder)
    except (OSError, ValueError):
        return False
    return True


def check_rounding() -> None:
    """The traps, by bits that anybody can check: a reference that is wrong would let wrong weights pass."""
    exact = [1 + 2.0**-8 + 2.0**-40, 1 + 2.0**-8, 1 + 3 * 2.0**-8, -(2.0**-134) * 1.5, 2.0**-134, -0.0, 1.9999]
    found = round_once(np.array(exact), "BF16").tolist()
    if found != [0x3F81, 0x3F80, 0x3F82, 0x8001, 0, 0x8000, 0x4000]:
        raise AssertionError(f"the reference itself rounds wrongly: {found}")
    for dtype, numpy_type in (("F16", np.float16), ("F32", np.float32)):
        sample = np.random.default_rng(0).standard_normal(20_000) * 2.0 ** np.linspace(-30, 10, 20_000)
        if not np.array_equal(round_once(sample, dtype), sample.astype(numpy_type).view(WIDTH[dtype])):
            raise AssertionError(f"the reference itself rounds {dtype} unlike numpy")


if __name__ == "__main__":
    torch.set_num_threads(1)
    check_rounding()
    command, folder, *rest = sys.argv[1:]
    print(json.dumps(make(Path(folder)) if command == "make" else judge(Path(folder), float(rest[0]))))
