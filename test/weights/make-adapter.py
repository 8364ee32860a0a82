"""Trains nothing: writes a tiny Llama, a LoRA adapter with random factors for it, and what PEFT merges them into.

python make-adapter.py FOLDER lora|rslora   FOLDER/{base,adapter,merged}; prints the names of the adapted tensors as JSON
"""

import json
import sys
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

CONFIG = LlamaConfig(
    vocab_size=160,
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=64,
    tie_word_embeddings=False,
)


@torch.no_grad()
def make(folder: Path, use_rslora: bool) -> list[str]:
    torch.manual_seed(7)
    base = LlamaForCausalLM(CONFIG).to(torch.float64)
    base.save_pretrained(folder / "base")
    lora = LoraConfig(
        r=4,
        lora_alpha=6,
        use_rslora=use_rslora,
        target_modules=["q_proj", "k_proj", "o_proj", "down_proj"],
        modules_to_save=["lm_head"],
        rank_pattern={"k_proj": 3},
        alpha_pattern={"o_proj": 5},
        task_type="CAUSAL_LM",
    )
    model = get_peft_model(base, lora).to(torch.float64)
    adapted = set()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            parameter.add_(torch.randn_like(parameter) * 0.05)
            adapted.add(
                name.removeprefix("base_model.model.")
                .split(".lora_")[0]
                .split(".modules_to_save")[0]
                + ".weight"
            )
    model.save_pretrained(folder / "adapter")
    model.merge_and_unload().save_pretrained(folder / "merged")
    return sorted(adapted)


if __name__ == "__main__":
    print(json.dumps(make(Path(sys.argv[1]), sys.argv[2] == "rslora")))
