"""What Python's huggingface_hub does with a Hub double: upload, refs, download. Usage: hub-double-client.py REPO FOLDER OUT"""

import json
import sys
from pathlib import Path

from huggingface_hub import CommitOperationDelete, HfApi, snapshot_download


def main(repo: str, folder: str, out: str) -> None:
    api = HfApi()
    api.create_repo(repo)
    first = api.upload_folder(repo_id=repo, folder_path=folder, commit_message="first").oid
    api.create_branch(repo, branch="step-100/a", revision=first)
    api.create_tag(repo, tag="v1", revision=first)
    second = api.create_commit(
        repo, operations=[CommitOperationDelete("notes/readme.txt")], commit_message="second"
    ).oid
    refs = api.list_repo_refs(repo)
    snapshot_download(repo, revision="v1", local_dir=Path(out))
    print(
        json.dumps(
            {
                "first": first,
                "second": second,
                "branches": {ref.name: ref.target_commit for ref in refs.branches},
                "tags": {ref.name: ref.target_commit for ref in refs.tags},
                "commits": [commit.commit_id for commit in api.list_repo_commits(repo)],
                "files": sorted(
                    entry.path for entry in api.list_repo_tree(repo, recursive=True) if hasattr(entry, "size")
                ),
                "models": [model.id for model in api.list_models(author=repo.split("/")[0])],
            }
        )
    )


main(*sys.argv[1:])
