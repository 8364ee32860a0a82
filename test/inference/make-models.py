"""Writes tiny models with transformers, and what transformers and tokenizers make of the given inputs.

python make-models.py models FOLDER       FOLDER/<case>, prints {case: what `expected` says}
python make-models.py tokenizer FOLDER    FOLDER/tokenizer.json; reads a JSON list of texts on stdin, prints their ids
"""

import json
import random
import sys
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, processors
from transformers import AutoModelForCausalLM, DynamicCache
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

VOCABULARY = 97
NEW_TOKENS = 32
POSITIONS = 64
BF16 = {"dtype": torch.bfloat16}
F16 = {"dtype": torch.float16}
TIED = {"tie_word_embeddings": True}
SHARED_HEADS = {"num_key_value_heads": 2}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
LINEAR = {"rope_type": "linear", "rope_theta": 10_000.0, "factor": 4.0}
DYNAMIC = {"rope_type": "dynamic", "rope_theta": 10_000.0, "factor": 2.0}
YARN = {"rope_type": "yarn", "rope_theta": 10_000.0, "factor": 4.0, "original_max_position_embeddings": 16}
WINDOWS = {"use_sliding_window": True, "sliding_window": 7}
GEMMA = {"head_dim": 32, "num_key_value_heads": 2, "sliding_window": 7, "query_pre_attn_scalar": 24}
GEMMA3_TYPES = ["sliding_attention", "full_attention", "sliding_attention"]
GEMMA3 = {**GEMMA, "num_hidden_layers": 3, "layer_types": GEMMA3_TYPES}
GEMMA3_LINEAR = {
    "full_attention": {"rope_type": "linear", "rope_theta": 1_000_000.0, "factor": 8.0},
    "sliding_attention": {"rope_type": "default", "rope_theta": 10_000.0},
}
CASES = {
    "untied": ("llama", {}),
    "tied": ("llama", TIED),
    "shared-heads": ("llama", SHARED_HEADS),
    "one-key-head": ("llama", {"num_key_value_heads": 1}),
    "own-head-size": ("llama", {"head_dim": 32, **SHARED_HEADS}),
    "narrow-heads": ("llama", {"head_dim": 24, **SHARED_HEADS}),
    "biased": ("llama", {"attention_bias": True, "mlp_bias": True}),
    "llama3-rope": ("llama", {"rope_parameters": LLAMA3}),
    "linear-rope": ("llama", {"rope_parameters": LINEAR}),
    "dynamic-rope": ("llama", {"rope_parameters": DYNAMIC, "max_position_embeddings": POSITIONS // 2}),
    "dynamic-narrow": ("llama", {"rope_parameters": DYNAMIC, "max_position_embeddings": 32, "head_dim": 8}),
    "yarn-rope": ("llama", {"rope_parameters": YARN}),
    "yarn-mscale": ("llama", {"rope_parameters": {**YARN, "mscale": 0.8, "mscale_all_dim": 0.5, "beta_fast": 4}}),
    "yarn-smooth": ("llama", {"rope_parameters": {**YARN, "truncate": False, "attention_factor": 1.3}}),
    "sharded": ("llama", {"shard": "60KB", **SHARED_HEADS}),
    "bf16": ("llama", {**BF16, **SHARED_HEADS}),
    "bf16-tied": ("llama", {**BF16, **TIED}),
    "f16": ("llama", F16),
    "long": ("llama", {"max_position_embeddings": 700}),
    "mistral": ("mistral", {"sliding_window": None, **SHARED_HEADS}),
    "mistral-window": ("mistral", {"sliding_window": 7, **SHARED_HEADS}),
    "mistral-window-bf16": ("mistral", {"sliding_window": 12, **BF16, **SHARED_HEADS}),
    "qwen2": ("qwen2", {"num_key_value_heads": 4}),
    "qwen2-windows": ("qwen2", {**WINDOWS, "max_window_layers": 1, **TIED, **SHARED_HEADS}),
    "qwen2-layer-types": ("qwen2", {**WINDOWS, "layer_types": ["sliding_attention", "full_attention"], **SHARED_HEADS}),
    "qwen2-yarn-bf16": ("qwen2", {"rope_parameters": YARN, **BF16, **SHARED_HEADS}),
    "qwen3": ("qwen3", {"head_dim": 32, **SHARED_HEADS}),
    "qwen3-tied-windows": ("qwen3", {"head_dim": 16, **WINDOWS, "max_window_layers": 1, **TIED, **SHARED_HEADS}),
    "qwen3-bf16": ("qwen3", {"head_dim": 48, "attention_bias": True, **BF16, **SHARED_HEADS}),
    "olmo2": ("olmo2", {}),
    "olmo2-shared-heads": ("olmo2", {"attention_bias": True, "rms_norm_eps": 1e-2, **SHARED_HEADS}),
    "olmo2-tied-f16": ("olmo2", {**F16, **TIED}),
    "gemma2": ("gemma2", GEMMA),
    "gemma2-untied": ("gemma2", {**GEMMA, "tie_word_embeddings": False, "attn_logit_softcapping": 2.0}),
    "gemma2-uncapped": ("gemma2", {**GEMMA, "attn_logit_softcapping": None, "final_logit_softcapping": None}),
    "gemma2-bf16": ("gemma2", {**GEMMA, **BF16}),
    "gemma3": ("gemma3_text", GEMMA3),
    "gemma3-scaled": ("gemma3_text", {**GEMMA3, "rope_parameters": GEMMA3_LINEAR, "final_logit_softcapping": 5.0}),
    "gemma3-sharded-bf16": ("gemma3_text", {**GEMMA3, "shard": "60KB", **BF16}),
}
CHARACTERS = "0123456789+-*=() abcdefghijklmnopqrstuvwxyzABC.,'\"\\\n\té∑Δ字🙂\u0301"
SPECIAL = ["<pad>", "<bos>", "<eos>"]


def make_models(folder: Path) -> dict:
    return {
        case: make_model(folder / case, seed, model_type, **options)
        for seed, (case, (model_type, options)) in enumerate(CASES.items())
    }


def make_model(
    folder: Path, seed: int, model_type: str, dtype: torch.dtype = torch.float32, shard: str = "1GB", **options
) -> dict:
    torch.manual_seed(seed)
    config = CONFIG_MAPPING[model_type](
        **{
            "vocab_size": VOCABULARY,
            "hidden_size": 64,
            "intermediate_size": 80,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "max_position_embeddings": POSITIONS,
            "initializer_range": 0.15,  # far from uniform, so that what is wrong shows
            **({} if model_type.startswith("gemma") else {"tie_word_embeddings": False}),
            **options,
        }
    )
    model = AutoModelForCausalLM.from_config(config).to(dtype)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("bias", "norm.weight")):
                parameter.add_(torch.randn_like(parameter) * 0.2)
    model.save_pretrained(folder, max_shard_size=shard)
    # sdpa has no soft cap.
    attention = "eager" if model_type == "gemma2" else "sdpa"
    reference = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation=attention)
    return expected(reference.eval(), random.Random(seed))


def expected(model, rng: random.Random) -> dict:
    """What transformers makes of ragged inputs, each alone."""
    longest = POSITIONS if is_dynamic(model) else model.config.max_position_embeddings
    text = [rng.randrange(VOCABULARY) for _ in range(150)]
    prompts = [[rng.randrange(VOCABULARY) for _ in range(rng.randint(1, POSITIONS - NEW_TOKENS))] for _ in range(3)]
    return {
        "scores": scores(model, rng, longest),
        # Every token's, after one prompt.
        "distribution": {"prompt": text[:40], "logprobs": judge(model, text[:40], [0])["all"]},
        "texts": [{"prompt": prompt, "tokens": write(model, prompt)} for prompt in prompts],
        "perplexity": {"tokens": text, "nats": perplexity(model, text, 24, 10)},
    }


def scores(model, rng: random.Random, longest: int) -> list:
    """Requests, one as long as the model allows; some of the continuations are the model's own greedy choice."""
    requests = []
    for index in range(10):
        start = 1 if index < 2 else rng.randint(1, 30)
        prompt = [rng.randrange(VOCABULARY) for _ in range(start)]
        count = longest + 1 - start if index == 1 else rng.randint(1, 20)
        if index % 3 == 0:
            continuation = greedy(model, prompt, count)
        else:
            continuation = [rng.randrange(VOCABULARY) for _ in range(count)]
        if index == 6:
            continuation[-1] = (continuation[-1] + 1) % VOCABULARY  # wrong at the very end
        requests.append(judge(model, prompt, continuation))
    for request in requests:
        del request["all"]
    return requests


def is_dynamic(model) -> bool:
    return (model.config.rope_parameters or {}).get("rope_type") == "dynamic"


def forget(model) -> None:
    """A dynamic RoPE remembers the longest call so far until a short one comes."""
    if is_dynamic(model):
        model(torch.tensor([[0]]))


@torch.no_grad()
def greedy(model, prompt: list[int], count: int) -> list[int]:
    """As if each token were asked for by a call of its own."""
    ids = list(prompt)
    for _ in range(count):
        forget(model)
        ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[len(prompt) :]


@torch.no_grad()
def write(model, prompt: list[int]) -> list[int]:
    """Greedy, with a cache."""
    forget(model)
    cache = DynamicCache(config=model.config)
    ids, tokens = prompt, []
    for _ in range(NEW_TOKENS):
        tokens.append(int(model(torch.tensor([ids]), past_key_values=cache, use_cache=True).logits[0, -1].argmax()))
        ids = tokens[-1:]
    return tokens


@torch.no_grad()
def judge(model, prompt: list[int], continuation: list[int]) -> dict:
    forget(model)
    logits = model(torch.tensor([prompt + continuation[:-1]])).logits[0, len(prompt) - 1 :]
    targets = torch.tensor(continuation)
    everything = torch.log_softmax(logits, -1)
    return {
        "prompt": prompt,
        "continuation": continuation,
        "logprobs": everything.gather(1, targets[:, None])[:, 0].tolist(),
        "greedy": bool((logits.argmax(-1) == targets).all()),
        "all": everything[0].tolist(),
    }


@torch.no_grad()
def perplexity(model, text: list[int], window: int, stride: int) -> float:
    """Mean nats of every token but the first, each in the first window that has it."""
    total, scored, end = 0.0, 0, 1
    for begin in range(0, len(text), stride):
        ids = torch.tensor(text[begin : begin + window])
        logprobs = torch.log_softmax(model(ids[None]).logits[0, :-1].double(), -1)
        nats = -logprobs.gather(1, ids[1:, None])[:, 0]
        fresh = begin + len(ids) - end
        total, scored, end = total + float(nats[len(nats) - fresh :].sum()), scored + fresh, end + fresh
        if end == len(text):
            break
    assert scored == len(text) - 1
    return total / scored


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
