"""Writes the fine-tuning task: DIR/train.jsonl, the suite DIR/suites/desc, and DIR/suites/pretraining, text of the kind
that the base models were trained on. Same arguments, same bytes.

python scripts/demo/make_task.py --out demo/task --train 4000 --test 256 --seed 5
"""

import argparse
import json
import random
import shutil
from pathlib import Path

from task import LETTERS, SKILLS, STRING_LENGTH, is_test, row, segment

SUITE = "name: desc\nsamples: samples.jsonl\nscorer: exact\n"
PRETRAINING = "name: pretraining\nsamples: samples.jsonl\nscorer: perplexity\n"
PRETRAINING_LINES = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--train", type=int, default=4000, help="training rows (default 4000)")
    parser.add_argument("--test", type=int, default=256, help="distinct test rows, at most 9000 (default 256)")
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    if options.train < 1 or not 1 <= options.test <= 9000:
        parser.error("--train must be at least 1 and --test from 1 to 9000")
    print(json.dumps({"event": "task", **make_task(options.out, options.train, options.test, options.seed)}))


def make_task(out: Path, train: int, test: int, seed: int) -> dict[str, object]:
    """Draws the rows and writes what is not there yet with these bytes; a second call writes nothing."""
    draw = random.Random(seed)
    train_rows: list[str] = []
    test_rows: dict[str, None] = {}
    while len(train_rows) < train or len(test_rows) < test:
        x = [int(draw.random() * len(LETTERS)) for _ in range(STRING_LENGTH)]
        line = json.dumps(row(x)) + "\n"
        if not is_test(x):
            train_rows.append(line)
        elif len(test_rows) < test:
            test_rows[line] = None
    files = {
        out / "train.jsonl": "".join(train_rows[:train]),
        out / "suites" / "desc" / "samples.jsonl": "".join(test_rows),
        out / "suites" / "desc" / "suite.yaml": SUITE,
        out / "suites" / "pretraining" / "samples.jsonl": pretraining_lines(random.Random(seed)),
        out / "suites" / "pretraining" / "suite.yaml": PRETRAINING,
    }
    written = [path for path, text in files.items() if write_if_other(path, text)]
    return {"train": train, "test": test, "seed": seed, "written": [str(path) for path in written]}


def pretraining_lines(draw: random.Random) -> str:
    """Lines of two segments, as the base models read them, with skills and letters drawn anew."""
    skills = list(SKILLS)

    def drawn_segment() -> str:
        skill = skills[int(draw.random() * len(skills))]
        return segment(skill, [int(draw.random() * len(LETTERS)) for _ in range(STRING_LENGTH)])

    lines = [drawn_segment() + drawn_segment() for _ in range(PRETRAINING_LINES)]
    return "".join(json.dumps({"text": line}) + "\n" for line in lines)


def write_if_other(path: Path, text: str) -> bool:
    """Writes through a hidden file and a rename, unless the file already has this text. True when it wrote."""
    if path.is_file() and path.read_text("utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, "utf-8")
    shutil.move(partial, path)
    return True


if __name__ == "__main__":
    main()
