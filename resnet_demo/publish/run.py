"""The two jobs of ``python -m resnet_demo publish``, from the choice of files to the sentence at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resnet_demo.errors import UserError
from resnet_demo.publish import space as spaces
from resnet_demo.publish.errors import State, in_words
from resnet_demo.publish.files import check_limits, listing
from resnet_demo.publish.upload import check_name, connect, upload
from resnet_demo.publish.weights import Choice, choose, record_revision, weights_files

if TYPE_CHECKING:
    from huggingface_hub import HfApi


@dataclass(frozen=True)
class Order:
    """What is to be published, as the command line says it.

    Attributes:
        repo: the repository for the weights, or None.
        space: the Space, or None.
        weights_repo: where the Space takes its weights from; None: ``repo``, else they are put into the Space.
        tasks, all_tasks: see ``weights.choose``.
        private: create what is missing as private.
        hardware: the Space's, or None to leave it.
        secrets: ``NAME=value`` or ``NAME``.
        token: or None for that of the environment.
    """

    repo: str | None = None
    space: str | None = None
    weights_repo: str | None = None
    tasks: Sequence[str] = ()
    all_tasks: bool = False
    private: bool = False
    hardware: str | None = None
    secrets: Sequence[str] = ()
    token: str | None = None


def publish(order: Order, dry_run: bool, say: Callable[[str], None] = print) -> None:
    """Send the weights, then the Space, or list what would be sent.

    Args:
        say: gets the lines for the user.

    Raises:
        UserError: a bad order, no token or right, a name that is taken, a file too large, a lost connection.
    """
    check(order)
    choice = choose(order.tasks, order.all_tasks)
    if choice.left_out:
        say(f"Left out {', '.join(choice.left_out)}, of your own pictures: name them with --tasks to publish them.")
    secrets = spaces.secrets(order.secrets)
    if order.repo:
        publish_weights(order, choice, dry_run, say)
        if order.space and not dry_run:
            choice = choose(order.tasks, order.all_tasks)  # with the revision that was just made
    if order.space:
        publish_space(order, choice, secrets, dry_run, say)


def check(order: Order) -> None:
    if not order.repo and not order.space:
        raise UserError("Say what to publish: --repo-id you/name for the weights, --space you/name for the page.")
    if not order.space and (order.hardware or order.secrets or order.weights_repo):
        raise UserError("--hardware, --secret and --weights-repo belong to a Space: pass --space you/name too.")
    if order.tasks and order.all_tasks:
        raise UserError("--tasks publishes the tasks named, --all-tasks every task: pass one of them.")
    if order.repo and order.weights_repo and order.repo != order.weights_repo:
        raise UserError("--repo-id and --weights-repo name two repositories: pass one, or run the command twice.")
    for name in filter(None, (order.repo, order.space, order.weights_repo)):
        check_name(name)


def publish_weights(order: Order, choice: Choice, dry_run: bool, say: Callable[[str], None]) -> None:
    files = weights_files(choice)
    check_limits(files)
    if dry_run:
        say(f"The repository {order.repo} would have:\n{listing(files)}")
        return
    sent = upload(
        order.repo,
        files,
        private=order.private or None,
        token=order.token,
        message="Update the weights",
        marker="index.json",
    )
    record_revision(choice, order.repo, sent.revision)
    say(f"{sent.in_words()} weights/index.json says so.")


def publish_space(
    order: Order, choice: Choice, secrets: dict[str, str], dry_run: bool, say: Callable[[str], None]
) -> None:
    weights = None
    if dry_run and order.repo:
        weights = spaces.Weights(order.repo, spaces.TO_COME)
    elif repo := order.weights_repo or order.repo:
        weights = spaces.weights_of(choice, repo)
    files = spaces.space_files(choice, weights)
    check_limits(files)
    if dry_run:
        say(f"The Space {order.space} would have:\n{listing(files)}")
        return
    sent = upload(
        order.space,
        files,
        kind="space",
        private=order.private or None,
        token=order.token,
        message="Update the page",
        marker="resnet_demo/__init__.py",
        tidy=("resnet_demo/", "weights/"),
        before=lambda api: set_environment(api, order.space, spaces.variables(weights), secrets),
    )
    say(sent.in_words())
    if weights and order.private and "HF_TOKEN" not in secrets:
        say(f"If {weights.repo} is private, the Space can read it with --secret HF_TOKEN=... only.")
    if order.hardware:
        api = connect(order.token)
        with in_words(State(order.space, f"the Space {order.space} has all its files, but not the new hardware")):
            if set_hardware(api, order.space, order.hardware):
                say(f"The Space {order.space} is asked to run on {order.hardware}.")


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
    runtime = api.get_space_runtime(space)
    if hardware == (runtime.requested_hardware or runtime.hardware):
        return False
    api.request_space_hardware(space, hardware)
    return True
