"""Writes tiny Llama models with transformers, and judges what was recycled from them.

python make-models.py make FOLDER            FOLDER/<case>/{base,tuned,target}, and prints the cases as JSON
python make-models.py judge FOLDER SCALE     compares FOLDER/<case>/out with float64 torch arithmetic, prints JSON
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

CASES = {
    f"{'tied' if tied else 'untied'}-{name}": (tied, dtype)
    for tied in (False, True)
    for name, dtype in (("f32", torch.float32), ("bf16", torch.bfloat16))
}
SHARD = {"base": "40KB", "tuned": "1GB", "target": "25KB"}
ROPE_THETA = {"base": 10_000.0, "tuned": 10_000.0, "target": 500_000.0}


def make(folder: Path) -> dict:
    for seed, (case, (tied, dtype)) in enumerate(CASES.items()):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config(tied, ROPE_THETA["base"])).to(dtype)
        for role in ("base", "tuned", "target"):
            if role != "base":
                nudge(model)
            model.config.rope_parameters = {"rope_type": "default", "rope_theta": ROPE_THETA[role]}
            model.save_pretrained(folder / case / role, max_shard_size=SHARD[role])
    return {"cases": list(CASES)}


def config(tied: bool, rope_theta: float) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=160,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        tie_word_embeddings=tied,
        rope_parameters={"rope_type": "default", "rope_theta": rope_theta},
    )


def nudge(model: LlamaForCausalLM) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 3e-3)


def judge(folder: Path, scale: float) -> dict:
    return {case: judge_case(folder / case, scale, *CASES[case]) for case in CASES}


def judge_case(folder: Path, scale: float, tied: bool, dtype: torch.dtype) -> dict:
    models = {role: AutoModelForCausalLM.from_pretrained(folder / role, dtype="auto") for role in SHARD}
    out, info = AutoModelForCausalLM.from_pretrained(folder / "out", dtype="auto", output_loading_info=True)
    states = {role: model.state_dict() for role, model in models.items()}
    state = out.state_dict()
    wrong = {}
    for name, target in states["target"].items():
        delta = states["tuned"][name].double() - states["base"][name].double()
        expected = round_once(target.double() + scale * delta, dtype)
        differing = int((as_bits(expected) != as_bits(state[name])).sum())
        if differing or state[name].dtype != dtype:
            wrong[name] = differing
    logits = out(torch.arange(12).unsqueeze(0)).logits
    return {
        "wrong": wrong,
        "compared": len(states["target"]),
        "missing": sorted(info["missing_keys"]),
        "unexpected": sorted(info["unexpected_keys"]),
        "moved": not torch.equal(state["model.norm.weight"], states["target"]["model.norm.weight"]),
        "tied": out.lm_head.weight.data_ptr() == out.model.embed_tokens.weight.data_ptr(),
        "rope_theta": out.config.rope_parameters["rope_theta"],
        "finite": bool(torch.isfinite(logits).all()),
        "stores_head": any("lm_head.weight" in load_file(file) for file in (folder / "out").glob("*.safetensors")),
        "same_shards": shards(folder / "out") == shards(folder / "target"),
        "loads_delta": loads(folder / "delta"),
    }


def shards(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("*.safetensors*"))


def loads(folder: Path) -> bool:
    try:
        AutoModelForCausalLM.from_pretrained(folder)
    except (OSError, ValueError):
        return False
    return True


def round_once(values: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """float64 to `dtype`, nearest even; torch itself would go to bfloat16 by way of float32, which rounds twice."""
    if dtype != torch.bfloat16:
        return values.to(dtype)
    bits = values.view(torch.int64)
    dropped = 52 - 7
    bits = bits + (1 << (dropped - 1)) - 1 + ((bits >> dropped) & 1)
    return ((bits >> dropped) << dropped).view(torch.float64).to(dtype)


def as_bits(values: torch.Tensor) -> torch.Tensor:
    return values.contiguous().view(torch.int16 if values.dtype == torch.bfloat16 else torch.int32)


if __name__ == "__main__":
    torch.set_num_threads(1)
    command, folder, *rest = sys.argv[1:]
    print(json.dumps(make(Path(folder)) if command == "make" else judge(Path(folder), float(rest[0]))))
