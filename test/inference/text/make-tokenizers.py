"""Trains small tokenizers and tells what Python makes of texts and conversations.

python make-tokenizers.py FOLDER    FOLDER/<kind>/tokenizer.json and tokenizer_config.json

Reads {texts, templates, conversations} on stdin, prints {tokenizers, chats}. A tokenizer, by kind, has {ids,
withSpecial, decoded, skipped, size}; chats[template][conversation] is [with a generation prompt, without], or {error}.
"""

import json
import sys
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

SPECIAL = ["<unk>", "<s>", "</s>", "<|user|>"]
CORPUS = [
    "The quick brown fox jumps over the lazy dog. It's 1234 times faster than the other dogs' foxes, isn't it?",
    "def add(a, b):\n    return a + b\n\n\nprint(add(1, 2))  # three",
    "Größe, naïve café, señor; 日本語の文章 и русский текст 🙂 👩‍👩‍👧",
] * 4
WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
LLAMA3_SPLIT = WORDS + r"|\s*[\r\n]+|\s+(?!\S)|\s+"


def bytes_gpt2() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.decoder = decoders.ByteLevel()
    return trained(tokenizer, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())


def bytes_llama3() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    split = pre_tokenizers.Split(Regex(LLAMA3_SPLIT), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer = trained(tokenizer, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), begin(tokenizer)])
    return tokenizer


def bytes_qwen() -> Tokenizer:
    tokenizer = bytes_llama3()
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def metaspace_llama2() -> Tokenizer:
    """As the conversion from sentencepiece makes it: no pre-tokenizer, unknown characters as bytes."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    fallback = [f"<0x{byte:02X}>" for byte in range(256)]
    tokenizer = trained(tokenizer, extra=fallback)
    tokenizer.post_processor = begin(tokenizer)
    return tokenizer


def metaspace_mistral() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer = trained(tokenizer, extra=[f"<0x{byte:02X}>" for byte in range(256)])
    tokenizer.post_processor = begin(tokenizer)
    return tokenizer


def word_level() -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator(CORPUS, trainers.WordLevelTrainer(special_tokens=SPECIAL, show_progress=False))
    tokenizer.post_processor = begin(tokenizer)
    return tokenizer


def trained(
    tokenizer: Tokenizer, initial_alphabet: list[str] | None = None, extra: list[str] | None = None
) -> Tokenizer:
    trainer = trainers.BpeTrainer(
        vocab_size=900, special_tokens=SPECIAL, initial_alphabet=initial_alphabet or [], show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    if extra:  # bytes are ordinary tokens of the model, so they go into its vocabulary
        raw = json.loads(tokenizer.to_str())
        vocabulary = raw["model"]["vocab"]
        for token in extra:
            vocabulary.setdefault(token, len(vocabulary))
        tokenizer = Tokenizer.from_str(json.dumps(raw))
    return tokenizer


def begin(tokenizer: Tokenizer) -> processors.TemplateProcessing:
    return processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))])


KINDS = {
    "bytes-gpt2": bytes_gpt2,
    "bytes-llama3": bytes_llama3,
    "bytes-qwen": bytes_qwen,
    "metaspace-llama2": metaspace_llama2,
    "metaspace-mistral": metaspace_mistral,
    "word-level": word_level,
}


def write(folder: Path, tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    folder.mkdir(parents=True)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    tokenizer.add_tokens([AddedToken("[[note]]", normalized=False)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<unk>"
    )
    fast.save_pretrained(folder)
    return PreTrainedTokenizerFast.from_pretrained(folder)


def described(tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> dict:
    ids = [tokenizer.encode(text, add_special_tokens=False) for text in texts]
    with_special = [tokenizer.encode(text) for text in texts]
    return {
        "ids": ids,
        "withSpecial": with_special,
        "decoded": [tokenizer.decode(row) for row in with_special],
        "skipped": [tokenizer.decode(row, skip_special_tokens=True) for row in with_special],
        "size": len(tokenizer),
    }


def chat(tokenizer: PreTrainedTokenizerFast, template: str, messages: list[dict]) -> object:
    try:
        return [
            tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, add_generation_prompt=asked)
            for asked in (True, False)
        ]
    except Exception as error:
        return {"error": str(error)}


def main() -> None:
    asked = json.load(sys.stdin)
    made = {kind: write(Path(sys.argv[1]) / kind, make()) for kind, make in KINDS.items()}
    speaker = made["bytes-llama3"]
    chats = [
        [chat(speaker, template, messages) for messages in asked["conversations"]] for template in asked["templates"]
    ]
    tokenizers = {kind: described(tokenizer, asked["texts"]) for kind, tokenizer in made.items()}
    print(json.dumps({"tokenizers": tokenizers, "chats": chats}))


if __name__ == "__main__":
    main()
