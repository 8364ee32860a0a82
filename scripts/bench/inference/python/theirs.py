"""transformers as its user calls it, float32 and sdpa.

    python theirs.py MODEL THREADS STARTED_MS

Prints what ours.ts prints: seconds by case, memoryBytes, peakBytes. STARTED_MS is the time of day of its start.
"""

import json
import sys
import time
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

NEW_TOKENS = 64


def main(folder: str, threads: int, started_ms: float) -> dict:
    torch.set_num_threads(threads)
    before = resident("VmRSS")
    seconds = {}
    opened = time.perf_counter()
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa").eval()
    memory = resident("VmRSS") - before
    vocabulary = model.config.vocab_size
    score(model, torch.tensor([tokens(2, 0, vocabulary)]))
    seconds["load"] = time.perf_counter() - opened
    seconds["start"] = time.time() - started_ms / 1000
    rows = torch.tensor([tokens(128, row, vocabulary) for row in range(8)])
    prompts = [tokens(16 + 2 * row, row, vocabulary) for row in range(8)]
    seconds["score"] = timed(lambda: score(model, rows))
    seconds["generate-1"] = timed(lambda: generate(model, [tokens(24, 0, vocabulary)]))
    seconds["generate-8"] = timed(lambda: generate(model, prompts))
    return {"seconds": seconds, "memoryBytes": memory, "peakBytes": resident("VmHWM")}


def tokens(count: int, row: int, vocabulary: int) -> list[int]:
    """The same as in ours.ts."""
    return [(index * 7919 + row * 104729 + 3) % vocabulary for index in range(count)]


@torch.no_grad()
def score(model, rows: torch.Tensor) -> torch.Tensor:
    logprobs = torch.log_softmax(model(rows[:, :-1]).logits, -1)
    return logprobs.gather(2, rows[:, 1:, None])


def generate(model, prompts: list[list[int]]) -> torch.Tensor:
    """Padded on the left, as transformers wants it."""
    longest = max(map(len, prompts))
    ids = torch.tensor([[0] * (longest - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    options = {"max_new_tokens": NEW_TOKENS, "do_sample": False, "eos_token_id": None, "pad_token_id": 0}
    return model.generate(ids, attention_mask=mask, **options)


def timed(work) -> float:
    """The second of two."""
    work()
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def resident(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"/proc/self/status has no {field}")


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))))
