"""The two jobs of ``python -m resnet_demo publish``, from the choice of files to the sentence at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from resnet_demo.errors import UserError
from resnet_demo.publish import space as spaces
from resnet_demo.publish.endpoint import endpoint_files
from resnet_demo.publish.errors import State, explain_errors
from resnet_demo.publish.files import check_limits, listing
from resnet_demo.publish.hardware import FIRST, hub_name
from resnet_demo.publish.upload import check_name, connect, upload
from resnet_demo.publish.weights import Selection, choose, record_revision, weights_files

if TYPE_CHECKING:
    from huggingface_hub import HfApi, SpaceHardware


@dataclass(frozen=True)
class PublishOptions:
    """What is to be published, as the command line says it.

    Attributes:
        repo: the repository for the weights, or None.
        space: the Space, or None.
        weights_repo: where the Space takes its weights from; None: ``repo``, else they are put into the Space.
        tasks, all_tasks, depths: see ``weights.choose``.
        private: create what is missing as private.
        hardware: the Space's, or None to leave it as it is, or as the Hub gives it to a new one.
        secrets: ``NAME=value`` or ``NAME``.
        endpoint: make the repository one that Inference Endpoints run.
        token: or None for that of the environment.
    """

    repo: str | None = None
    space: str | None = None
    weights_repo: str | None = None
    tasks: Sequence[str] = ()
    all_tasks: bool = False
    depths: Sequence[int] = ()
    private: bool = False
    hardware: str | None = None
    secrets: Sequence[str] = ()
    endpoint: bool = False
    token: str | None = None


def publish(options: PublishOptions, dry_run: bool, say: Callable[[str], None] = print) -> None:
    """Send the weights, then the Space, or list what would be sent.

    Args:
        say: gets the lines for the user.

    Raises:
        UserError: options that will not do, no token or right, a name that is taken, a file too large, a lost
            connection.
    """
    check(options)
    selection = choose(options.tasks, options.all_tasks, options.depths)
    if selection.left_out:
        say(f"Left out {', '.join(selection.left_out)}, of your own pictures: name them with --tasks to publish them.")
    secrets = spaces.secrets(options.secrets)
    if options.repo:
        publish_weights(options.repo, options, selection, dry_run, say)
        if options.space and not dry_run:
            selection = choose(options.tasks, options.all_tasks, options.depths)  # with the revision that was just made
    if options.space:
        publish_space(options.space, options, selection, secrets, dry_run, say)


def check(options: PublishOptions) -> None:
    if not options.repo and not options.space:
        raise UserError("Say what to publish: --repo-id you/name for the weights, --space you/name for the page.")
    if not options.space and (options.hardware or options.secrets or options.weights_repo):
        raise UserError("--hardware, --secret and --weights-repo belong to a Space: pass --space you/name too.")
    if options.endpoint and not options.repo:
        raise UserError("--endpoint belongs to a repository of weights: pass --repo-id you/name too.")
    if options.tasks and options.all_tasks:
        raise UserError("--tasks publishes the tasks named, --all-tasks every task: pass one of them.")
    if options.repo and options.weights_repo and options.repo != options.weights_repo:
        raise UserError("--repo-id and --weights-repo name two repositories: pass one, or run the command twice.")
    for name in filter(None, (options.repo, options.space, options.weights_repo)):
        check_name(name)


def publish_weights(
    repo: str, options: PublishOptions, selection: Selection, dry_run: bool, say: Callable[[str], None]
) -> None:
    files = weights_files(selection, repo)
    if options.endpoint:
        files += endpoint_files()
    check_limits(files)
    if dry_run:
        say(f"The repository {repo} would have:\n{listing(files)}")
        return
    sent = upload(
        repo,
        files,
        private=options.private or None,
        token=options.token,
        message="Update the weights",
        marker="index.json",
        tidy=("resnet_demo/",) if options.endpoint else (),
    )
    record_revision(selection, repo, sent.revision)
    say(f"{sent.summary()} weights/index.json says so.")


def publish_space(
    space: str,
    options: PublishOptions,
    selection: Selection,
    secrets: dict[str, str],
    dry_run: bool,
    say: Callable[[str], None],
) -> None:
    weights = None
    if dry_run and options.repo:
        weights = spaces.Weights(options.repo, spaces.TO_COME)
    elif repo := options.weights_repo or options.repo:
        weights = spaces.weights_of(selection, repo)
    asked = hub_name(options.hardware)
    hardware = asked or (FIRST if dry_run else present_hardware(space, options.token))
    files = spaces.space_files(space, selection, weights, hardware)
    check_limits(files)
    if dry_run:
        say(f"The Space {space} would have:\n{listing(files)}")
        return
    sent = upload(
        space,
        files,
        repo_type="space",
        private=options.private or None,
        token=options.token,
        message="Update the page",
        marker="resnet_demo/__init__.py",
        tidy=("resnet_demo/", "weights/"),
        before=lambda api: set_environment(api, space, spaces.variables(weights), secrets),
    )
    say(sent.summary())
    if weights and options.private and "HF_TOKEN" not in secrets:
        say(f"If {weights.repo} is private, the Space can read it with --secret HF_TOKEN=... only.")
    if asked:
        api = connect(options.token)
        with explain_errors(State(space, f"the Space {space} has all its files, but not the new hardware")):
            if set_hardware(api, space, asked):
                say(f"The Space {space} is asked to run on {asked}.")


def present_hardware(space: str, token: str | None) -> str:
    """What the Space runs on or is getting; ``FIRST`` where there is no such Space yet, or it never ran."""
    from huggingface_hub.errors import RepositoryNotFoundError

    api = connect(token)
    with explain_errors(State(space)):
        try:
            return hardware_of(api, space) or FIRST
        except RepositoryNotFoundError:
            return FIRST


def hardware_of(api: HfApi, space: str) -> str | None:
    """What a Space is getting, or has; None where it never ran."""
    runtime = api.get_space_runtime(space)
    return runtime.requested_hardware or runtime.hardware


def set_environment(api: HfApi, space: str, variables: dict[str, str], secrets: dict[str, str]) -> None:
    """Variables and secrets, before the files come, so that the first build has them. Each change restarts a Space."""
    known = {name: variable.value for name, variable in api.get_space_variables(space).items()}
    for name, value in variables.items():
        if known.get(name) != value:
            api.add_space_variable(space, name, value)
    for name in (spaces.REPO, spaces.REVISION):
        if name in known and name not in variables:
            api.delete_space_variable(space, name)
    for name, value in secrets.items():
        api.add_space_secret(space, name, value)


def set_hardware(api: HfApi, space: str, hardware: str) -> bool:
    """Ask for hardware, unless the Space has it or is getting it; whether it was asked for."""
    if hardware == hardware_of(api, space):
        return False
    # The Hub may offer more than this client knows by name.
    api.request_space_hardware(space, cast("SpaceHardware", hardware))
    return True
