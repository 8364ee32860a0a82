"""Writes tiny Llama models with transformers, and what transformers and tokenizers make of the given inputs.

python make-models.py models FOLDER       FOLDER/<case>, prints {case: [{prompt, continuation, logprobs, greedy}]}
python make-models.py tokenizer FOLDER    FOLDER/tokenizer.json; reads a JSON list of texts on stdin, prints their ids
"""

import json
import random
import sys
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, processors
from transformers import LlamaConfig, LlamaForCausalLM

VOCABULARY = 97
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
SHARED_HEADS = {"num_key_value_heads": 2}
CASES = {
    "untied": {},
    "tied": {"tie_word_embeddings": True},
    "shared-heads": SHARED_HEADS,
    "own-head-size": {"head_dim": 32, **SHARED_HEADS},
    "biased": {"attention_bias": True, "mlp_bias": True},
    "llama3-rope": {"rope_parameters": LLAMA3},
    "linear-rope": {"rope_parameters": {"rope_type": "linear", "rope_theta": 10_000.0, "factor": 4.0}},
    "sharded": {"shard": "60KB", **SHARED_HEADS},
    "bf16": {"dtype": torch.bfloat16, **SHARED_HEADS},
    "bf16-tied": {"dtype": torch.bfloat16, "tie_word_embeddings": True},
    "f16": {"dtype": torch.float16},
    "long": {"max_position_embeddings": 700},
}
CHARACTERS = "0123456789+-*=() abcdefghijklmnopqrstuvwxyzABC.,'\"\\\n\té∑Δ字🙂\u0301"
SPECIAL = ["<pad>", "<bos>", "<eos>"]


def make_models(folder: Path) -> dict:
    return {case: make_model(folder / case, seed, **options) for seed, (case, options) in enumerate(CASES.items())}


def make_model(folder: Path, seed: int, dtype: torch.dtype = torch.float32, shard: str = "1GB", **options) -> list:
    torch.manual_seed(seed)
    config = LlamaConfig(
        **{
            "vocab_size": VOCABULARY,
            "hidden_size": 64,
            "intermediate_size": 80,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "max_position_embeddings": 64,
            "initializer_range": 0.15,  # far from uniform, so that what is wrong shows
            "tie_word_embeddings": False,
            **options,
        }
    )
    model = LlamaForCausalLM(config).to(dtype)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("bias", "norm.weight")):
                parameter.add_(torch.randn_like(parameter) * 0.2)
    model.save_pretrained(folder, max_shard_size=shard)
    return expected(LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval(), random.Random(seed))


def expected(model: LlamaForCausalLM, rng: random.Random) -> list:
    """Ragged requests, one as long as the model allows; half of the continuations are the model's own greedy choice."""
    requests = []
    for index in range(12):
        start = 1 if index < 2 else rng.randint(1, 30)
        prompt = [rng.randrange(VOCABULARY) for _ in range(start)]
        count = model.config.max_position_embeddings + 1 - start if index == 1 else rng.randint(1, 20)
        if index % 2 == 0:
            continuation = greedy(model, prompt, count)
        else:
            continuation = [rng.randrange(VOCABULARY) for _ in range(count)]
        if index == 4:
            continuation[-1] = (continuation[-1] + 1) % VOCABULARY  # wrong at the very end
        requests.append(judge(model, prompt, continuation))
    return requests


@torch.no_grad()
def greedy(model: LlamaForCausalLM, prompt: list[int], count: int) -> list[int]:
    ids = list(prompt)
    for _ in range(count):
        ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[len(prompt) :]


@torch.no_grad()
def judge(model: LlamaForCausalLM, prompt: list[int], continuation: list[int]) -> dict:
    logits = model(torch.tensor([prompt + continuation[:-1]])).logits[0, len(prompt) - 1 :]
    targets = torch.tensor(continuation)
    logprobs = torch.log_softmax(logits, -1).gather(1, targets[:, None])[:, 0]
    return {
        "prompt": prompt,
        "continuation": continuation,
        "logprobs": logprobs.tolist(),
        "greedy": bool((logits.argmax(-1) == targets).all()),
    }


def make_tokenizer(folder: Path, texts: list[str]) -> dict:
    vocabulary = {token: id for id, token in enumerate([*SPECIAL, *CHARACTERS])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 1)])
    tokenizer.decoder = decoders.Fuse()
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    return {
        "ids": [tokenizer.encode(text, add_special_tokens=False).ids for text in texts],
        "size": tokenizer.get_vocab_size(),
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    command, target = sys.argv[1], Path(sys.argv[2])
    print(json.dumps(make_models(target) if command == "models" else make_tokenizer(target, json.load(sys.stdin))))
