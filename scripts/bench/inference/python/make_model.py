"""python make_model.py FOLDER: writes the Llama that FOLDER/spec.json describes, with random weights."""

import json
import sys
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

torch.set_num_threads(1)
torch.manual_seed(0)
folder = Path(sys.argv[1])
spec = json.loads((folder / "spec.json").read_text())
LlamaForCausalLM(LlamaConfig(**spec["shape"])).to(getattr(torch, spec["dtype"])).save_pretrained(folder)
