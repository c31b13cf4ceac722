"""``ResNet.from_pretrained``, ``save_pretrained`` and ``push_to_hub``, with the arguments that the Hub's users know.

``huggingface_hub.PyTorchModelHubMixin`` is not used, only followed: a class that inherits from it imports the client
with the architecture, it reads a ``config.json`` at the root alone, takes float weights only, and drops the reason when
that file cannot be had. What it calls with keywords is called the same here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TypedDict

from resnet_demo import checkpoints
from resnet_demo.backends.torch_network import with_weights
from resnet_demo.checkpoints import CARD, CONFIG, INDEX, MODEL, Checkpoint, IndexRecord, hub
from resnet_demo.errors import UserError
from resnet_demo.models import resnet
from resnet_demo.models.architecture import Architecture
from resnet_demo.tasks import KEYPOINTS, REGRESSION, TaskSpec

Get = Callable[[str], Path]
"""A path in a repository or folder → the file here; raises ``hub.NoSuchFile`` where there is none."""


class HubOptions(TypedDict):
    """What ``huggingface_hub.hf_hub_download`` is passed on."""

    token: str | bool | None
    cache_dir: str | Path | None
    force_download: bool
    local_files_only: bool


class ResNet(resnet.ResNet):
    """A residual network of 18, 34, 50, 101 or 152 layers, with the methods that people know from the Hub."""

    spec: TaskSpec  # of a network that was loaded

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path, **options) -> ResNet:
        """A trained network of the Hub or of a folder, by ``task=`` and ``depth=``: see ``from_pretrained`` below."""
        return from_pretrained(pretrained_model_name_or_path, **options)

    def save_pretrained(self, save_directory: str | Path, **options) -> str | None:
        """Write weights, configuration and card to a folder: see ``save_pretrained`` below."""
        return save_pretrained(self, save_directory, **options)

    def push_to_hub(self, repo_id: str, **options) -> str:
        """Send weights, configuration and card to a repository on the Hub: see ``push_to_hub`` below."""
        return push_to_hub(self, repo_id, **options)


def from_pretrained(
    pretrained_model_name_or_path: str | Path,
    *,
    task: str | None = None,
    depth: int | None = None,
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | Path | None = None,
    force_download: bool = False,
    local_files_only: bool = False,
) -> ResNet:
    """A trained network, float32 on the CPU in evaluation mode, with its ``TaskSpec`` as ``network.spec``.

    Args:
        pretrained_model_name_or_path: a repository on the Hub or a folder here, in our layout (an ``index.json`` at its
            root) or with one checkpoint (``config.json`` and ``model.safetensors``, ours or timm's ImageNet ResNets).
        task, depth: which checkpoint; needed where there are several.
        revision: branch, tag or commit; the newest of ``main`` by default. All files are of one commit.
        token, cache_dir, force_download, local_files_only: as in ``huggingface_hub.hf_hub_download``.

    Raises:
        UserError: no such repository, file, task or depth, no network, or weights that are damaged or do not fit.
    """
    name = str(pretrained_model_name_or_path)
    options: HubOptions = {
        "token": token,
        "cache_dir": cache_dir,
        "force_download": force_download,
        "local_files_only": local_files_only,
    }
    if Path(name).is_dir():
        get = folder_reader(Path(name))
    elif re.fullmatch(r"[\w.-]+/[\w.-]+", name) and not name.startswith("."):
        get = hub_reader(name, revision, options)
    else:
        raise UserError(
            f"{name} is neither a folder on this machine nor the name of a repository: pass a folder with a "
            "checkpoint, or owner/name."
        )
    return network_of(find(get, name, task, depth, options))


def network_of(checkpoint: Checkpoint) -> ResNet:
    """The network of a checkpoint, ready to use and to train further; softmax gives calibrated probabilities."""
    checkpoint = checkpoint.calibrated()
    name = str(checkpoint.path or "the checkpoint")
    network = with_weights(
        checkpoint.state, checkpoint.architecture, checkpoint.spec.outputs, None, name, network_class=ResNet
    )
    network.spec = checkpoint.spec
    return network


def folder_reader(root: Path) -> Get:
    """Files of a folder on this machine."""

    def get(path: str) -> Path:
        file = root / path
        if not file.is_file():
            raise hub.NoSuchFile(f"There is no file {file}: copy the checkpoint again.")
        return file

    return get


def hub_reader(repo: str, revision: str | None, options: HubOptions) -> Get:
    """Files of a repository, all of the commit that the first one came from."""
    commit = revision

    def get(path: str) -> Path:
        nonlocal commit
        file = hub.download(repo, path, commit, **options)
        commit = hub.commit_by_path(file, path)
        return file

    return get


def find(get: Get, name: str, task: str | None, depth: int | None, options: HubOptions) -> Checkpoint:
    """The checkpoint of a repository or folder, in either layout.

    Raises:
        UserError: there is none, or it is of another task or depth.
    """
    refusal = None
    # One of the two is not there; asking for the likelier one first spares a request.
    for first in (INDEX, CONFIG) if task else (CONFIG, INDEX):
        try:
            file = get(first)
        except UserError as error:
            # Without the Hub nobody knows whether a file does not exist or only was never fetched.
            refusal = refusal if isinstance(error, hub.NoSuchFile) else error
            continue
        if first == CONFIG and checkpoints.read_config(file.parent).record.get("index") == INDEX:
            first, file = INDEX, get(INDEX)  # The root is for other programs, see ``publish.elsewhere``.
        if first == CONFIG:
            checkpoint = read(get, "", name)
        else:
            record = choose(checkpoints.read_index(file.parent), name, task, depth)
            checkpoint = read_record(get, record, name, options)
        if task not in (None, checkpoint.spec.name) or depth not in (None, checkpoint.depth):
            raise UserError(
                f"{name} holds a ResNet-{checkpoint.depth} for {checkpoint.spec.name}: leave out task and depth, or "
                "name another repository."
            )
        return checkpoint
    raise refusal or UserError(
        f"{name} holds no ResNet that can be read here, neither {CONFIG} nor {INDEX} lies at its root: name another "
        "repository or folder."
    )


def choose(records: Sequence[IndexRecord], name: str, task: str | None, depth: int | None) -> IndexRecord:
    """The one record of an index that is meant.

    Raises:
        UserError: there is none, or more than one.
    """
    found = [record for record in records if task in (None, record.task) and depth in (None, record.depth)]
    if len(found) == 1:
        return found[0]
    depths: dict[str, list[str]] = {}
    for record in records:
        depths.setdefault(record.task, []).append(str(record.depth))
    there = ", ".join(f"{known} ({', '.join(numbers)})" for known, numbers in depths.items()) or "none"
    if found:
        raise UserError(f"{name} has several checkpoints, pass task= and depth=: {there}.")
    wanted = (f"ResNet-{depth}" if depth else "checkpoint") + (f" for {task}" if task else "")
    raise UserError(f"{name} has no {wanted}: choose from {there}.")


def read_record(get: Get, record: IndexRecord, name: str, options: HubOptions) -> Checkpoint:
    """The checkpoint of an index's record: beside the index, or where its ``hub`` says."""
    source = record.hub
    if record.file:
        try:
            return read(get, PurePosixPath(record.file).parent.as_posix(), name, record.sha256)
        except hub.NoSuchFile:
            if not source:
                raise
    assert source is not None  # See ``IndexRecord.from_json``.
    return read(hub_reader(source.repo, source.revision, options), source.folder, source.repo, source.sha256)


def read(get: Get, folder: str, name: str, sha256: str | None = None) -> Checkpoint:
    """The checkpoint in a folder of ``get``, verified as far as anything says what its weights must be.

    Raises:
        UserError: its files are missing, damaged or do not fit, with each missing and surplus key.
    """
    prefix = "" if folder in ("", ".") else f"{folder}/"
    path = get(f"{prefix}{CONFIG}")
    config = replace(checkpoints.read_config(path.parent), where=f"{name}/{prefix}{CONFIG}")
    if "task" not in config.record:
        from resnet_demo.checkpoints.timm import convert_config

        config = convert_config(config)
    weights = get(f"{prefix}{MODEL}")
    # Its name in the Hub's cache catches a damaged file that nothing else vouches for.
    sha256 = sha256 or config.weights.sha256 or hub.sha256_by_name(weights)
    data = checkpoints.read_verified(weights, config.weights.bytes, sha256)
    trunk = None
    if known := config.trunk:
        trunk = checkpoints.read_verified(get(known.path_from(prefix)), known.bytes, known.sha256)
    return checkpoints.build(data, weights, config, f"{name}/{prefix}{MODEL}", trunk)


def save_pretrained(
    network: ResNet,
    save_directory: str | Path,
    *,
    spec: TaskSpec | None = None,
    metrics: Mapping[str, object] | None = None,
    repo_id: str | None = None,
    push_to_hub: bool = False,
    **push_to_hub_kwargs,
) -> str | None:
    """Write ``model.safetensors`` (8-bit, as all our checkpoints), ``config.json`` and, where none is there, a card.

    Args:
        network: what to save.
        save_directory: made where it is missing.
        spec: its task; by default the one it was loaded with.
        metrics: measured accuracy; none is carried over, as what was measured before further training is void.
        repo_id, push_to_hub, push_to_hub_kwargs: send it to the Hub too, by default under the folder's name.

    Returns:
        The commit's address, or None where nothing was sent.

    Raises:
        UserError: the network has no task, does not fit it, or cannot be written or sent.
    """
    folder = Path(save_directory)
    spec = spec or getattr(network, "spec", None)
    if spec is None:
        raise UserError("The network has no task: pass spec=TaskSpec(...), so that others know what its outputs mean.")
    state = {key: value.detach().cpu().float().numpy() for key, value in network.state_dict().items()}
    try:
        card = None if (folder / CARD).exists() else card_text(spec, network.architecture)
        checkpoints.save(folder, state, spec, network.architecture, None, metrics or {}, card)
    except OSError as error:
        raise UserError(f"{folder} cannot be written ({error.strerror or error}): name another folder.") from error
    if push_to_hub:
        name = repo_id or folder.resolve().name
        return network.push_to_hub(name, spec=spec, metrics=metrics, **push_to_hub_kwargs)
    return None


def push_to_hub(
    network: ResNet,
    repo_id: str,
    *,
    spec: TaskSpec | None = None,
    metrics: Mapping[str, object] | None = None,
    commit_message: str = "Push model using huggingface_hub.",
    private: bool | None = None,
    token: str | None = None,
    branch: str | None = None,
    create_pr: bool | None = None,
    allow_patterns: list[str] | str | None = None,
    ignore_patterns: list[str] | str | None = None,
    delete_patterns: list[str] | str | None = None,
) -> str:
    """Create the repository where it is missing, and send one checkpoint in one commit.

    Args:
        network, spec, metrics: see ``save_pretrained``.
        repo_id: ``owner/name``, or a name of your own.
        commit_message, private, token, branch, create_pr, allow_patterns, ignore_patterns, delete_patterns: as in
            ``huggingface_hub.ModelHubMixin.push_to_hub``. A model card that the repository has is kept.

    Returns:
        The commit's address.

    Raises:
        UserError: no token or right, no such name, or no network.
    """
    from resnet_demo.publish.errors import State, explain_errors
    from resnet_demo.publish.upload import check_name, check_rights, connect

    api, state = connect(token), State(repo_id)
    with explain_errors(state), TemporaryDirectory() as folder:
        if "/" not in repo_id:
            repo_id = state.repo = f"{api.whoami()['name']}/{repo_id}"
        check_name(repo_id)
        save_pretrained(network, folder, spec=spec, metrics=metrics)
        check_rights(api, repo_id)
        api.create_repo(repo_id, private=private, exist_ok=True)
        if api.file_exists(repo_id, CARD):
            (Path(folder) / CARD).unlink()
        return api.upload_folder(
            repo_id=repo_id,
            folder_path=folder,
            commit_message=commit_message,
            revision=branch,
            create_pr=create_pr,
            allow_patterns=allow_patterns,
            ignore_patterns=ignore_patterns,
            delete_patterns=delete_patterns,
        )


def card_text(spec: TaskSpec, architecture: Architecture) -> str:
    """A short model card; `publish` writes longer ones of what this project has trained."""
    outputs = f"{spec.points} keypoints" if spec.kind == KEYPOINTS else f"{spec.outputs} classes"
    outputs = "one number" if spec.kind == REGRESSION else outputs
    return f"""\
---
library_name: resnet-demo
pipeline_tag: {spec.pipeline}
tags:
- resnet
- {architecture.name}
---

# {architecture.title}, {json.dumps(spec.name, ensure_ascii=False)[1:-1]}

{outputs}, RGB pictures of {spec.size} × {spec.size} pixels. The weights are stored as 8-bit integers with one scale for
each output channel; `config.json` holds the labels and how pictures are prepared.

```python
from resnet_demo import ResNet
from resnet_demo.tasks import normalise, preprocess

network = ResNet.from_pretrained("REPOSITORY OR FOLDER")
picture, window = preprocess(network.spec, photo)  # photo: an upright RGB PIL image
logits = network(torch.from_numpy(normalise(network.spec, picture[None])))
```
"""
