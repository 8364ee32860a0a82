"""Where the examples are: a file, or the files of a dataset repository at one commit."""

import re
from pathlib import Path

from regraft_trainer.errors import DataInvalidError
from regraft_trainer.job import HUB_DATASET

SPLITS = ("train", "training", "validation", "valid", "val", "dev", "test", "testing", "eval")


def dataset_files(dataset: str) -> list[Path]:
    """The files to read, in order of path. Raises DataInvalidError when there are none.

    A hub dataset comes from the local cache. It is downloaded only where the environment says HF_HUB_OFFLINE=0.
    """
    hub = HUB_DATASET.fullmatch(dataset)
    if hub is None:
        path = Path(dataset)
        if not path.is_file():
            raise DataInvalidError(
                [f"dataset {path} cannot be read ({'a folder' if path.is_dir() else 'no such file'})"]
            )
        return [path]
    folder = _snapshot(dataset, hub["repo"], hub["commit"])
    found = sorted(path for path in folder.rglob("*") if path.suffix in (".jsonl", ".parquet"))
    chosen = choose_split([path.relative_to(folder).as_posix() for path in found], hub["split"], dataset)
    return [folder / name for name in chosen]


def choose_split(names: list[str], split: str | None, dataset: str) -> list[str]:
    """The files of a split, told by a part of the path: data/train-00000-of-00002.parquet, train.jsonl, train/a.jsonl.

    Without a split: those of train. When no path has the name of any split, all of them. Raises DataInvalidError.
    """
    wanted = split or "train"
    chosen = [name for name in names if wanted in _parts(name)]
    if split is None and not any(part in SPLITS for name in names for part in _parts(name)):
        chosen = names
    if not chosen:
        held = ", ".join(names[:20]) or "none"
        raise DataInvalidError([f"{dataset} has no .jsonl or .parquet file of the split {wanted}; it has {held}"])
    if len({Path(name).suffix for name in chosen}) > 1:
        held = ", ".join(chosen[:20])
        raise DataInvalidError(
            [f"{dataset} has the split {wanted} as .jsonl and as .parquet ({held}); name a file instead"]
        )
    return chosen


def _parts(name: str) -> list[str]:
    return re.split(r"[/._-]", name.lower())


def _snapshot(dataset: str, repository: str, commit: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(repository, repo_type="dataset", revision=commit, allow_patterns=["*.jsonl", "*.parquet"])
        )
    except LocalEntryNotFoundError as error:
        raise DataInvalidError(
            [f"{dataset} is not in the local cache; download it first or set HF_HUB_OFFLINE=0 ({_line(error)})"]
        ) from error
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise DataInvalidError([f"{dataset} cannot be downloaded ({_line(error)})"]) from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
