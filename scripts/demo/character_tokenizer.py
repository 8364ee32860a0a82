"""Tokenizer files of the demo's models: one character, one token, `<bos>` in front."""

import json
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, processors

from task import BEGIN, END, PADDING, vocabulary


def write_tokenizer(folder: Path, longest: int) -> None:
    """Writes tokenizer.json (BPE without merges) and tokenizer_config.json. `longest` is in tokens."""
    ids = vocabulary()
    tokenizer = Tokenizer(models.BPE(vocab=ids, merges=[]))
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in (PADDING, BEGIN, END)])
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{BEGIN} $A", special_tokens=[(BEGIN, ids[BEGIN])])
    tokenizer.decoder = decoders.Fuse()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BEGIN,
        "eos_token": END,
        "pad_token": PADDING,
        "clean_up_tokenization_spaces": False,
        "model_max_length": longest,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
