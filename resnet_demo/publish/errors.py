"""What goes wrong while something is sent to the Hub, as one sentence with the way on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resnet_demo.checkpoints.hub import flat, hub_errors, when_again
from resnet_demo.errors import UserError

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

TOKENS = "https://huggingface.co/settings/tokens"
NO_TOKEN = (
    f"Publishing needs a token of the Hugging Face Hub: make one with write right at {TOKENS} and set HF_TOKEN, pass "
    "--token, or log in with `hf auth login`."
)
AGAIN = "Run the same command again: it sends only what is missing."


@dataclass
class State:
    """What an interruption leaves behind; brought up to date as the work goes on.

    Attributes:
        repo: the repository that is written to.
        remains: what is there now, a clause.
    """

    repo: str
    remains: str = "nothing was changed there"


@contextmanager
def explain_errors(state: State) -> Iterator[None]:
    """Errors of the Hub's client in here become a ``UserError``; mistakes of our own stay what they are."""
    with hub_errors(f"publish to {state.repo}"):
        try:
            yield
        except UserError:
            raise
        except Exception as error:
            if sentence := explain(error, state):
                raise UserError(sentence) from error
            raise


def explain(error: BaseException, state: State) -> str | None:
    """The sentence for an error of which an upload has more to say than ``hub_errors``, else None."""
    from huggingface_hub import constants
    from huggingface_hub.errors import HfHubHTTPError, HTTPError, OfflineModeIsEnabled

    # The client wraps what happens in its upload threads.
    for cause in chain(error):
        if isinstance(cause, OfflineModeIsEnabled):
            return None
        if isinstance(cause, HfHubHTTPError) and cause.response is not None:
            return refused(cause, state)
        # hf_xet, which sends the large files, puts the status into its text only.
        if isinstance(cause, ConnectionError | PermissionError) and re.search(r"\b40[13] [A-Z]", str(cause)):
            return forbidden(state)
        if isinstance(cause, HTTPError | ConnectionError | TimeoutError):
            return lost(state)
        if isinstance(cause, json.JSONDecodeError):
            return f"What answers at {constants.ENDPOINT} is no Hub: correct HF_ENDPOINT or the proxy; {state.remains}."
    if isinstance(error, ValueError) and "Invalid metadata" in str(error):
        return f"The Hub refuses the README.md of {state.repo}: {flat(str(error))} ({state.remains})."
    # Of no certain type, as hf_xet may change.
    if isinstance(error, RuntimeError | OSError) and any("xet" in name for name in origin(error)):
        return lost(state)
    return None


def refused(error: HfHubHTTPError, state: State) -> str:
    """The sentence for an answer of the Hub with an error status."""
    status = error.response.status_code
    said = flat(error.server_message or "")
    because = f" ({said})" if said else ""
    if status == 401:
        return (
            f"The Hub does not accept the token{because}: make one with write right at {TOKENS} and set HF_TOKEN; "
            f"{state.remains}."
        )
    if status == 402:
        advice = "choose other --hardware, or add a card there"
        return f"The Hub wants to be paid for this{because}: {advice}; {state.remains}."
    if status == 403:
        return forbidden(state, because)
    if status == 404:
        return (
            f"The Hub knows no {state.repo}, or does not show it to this token{because}: check the name and the "
            f"token's rights; {state.remains}."
        )
    if status in (409, 412):
        return f"The Hub is busy with another change of {state.repo}{because}; {state.remains}. {AGAIN}"
    if status == 429:
        when = when_again(error)
        return f"The Hub has had too many requests from here; {state.remains}. Run the same command again {when}."
    if status >= 500:
        return f"The Hub has trouble of its own (status {status}); {state.remains}. {AGAIN}"
    reason = f"status {status}{': ' + said if said else ''}"
    return f"The Hub refuses what was sent to {state.repo} ({reason}); {state.remains}."


def forbidden(state: State, because: str = "") -> str:
    return (
        f"This token may not write to {state.repo}{because}: choose a name in a namespace of yours, or make a token "
        f"with write right at {TOKENS}; {state.remains}."
    )


def lost(state: State) -> str:
    return f"The connection to the Hub was lost; {state.remains}. {AGAIN}"


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what caused it, outermost first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def origin(error: BaseException) -> Iterator[str]:
    """The names of the functions that an error came through."""
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame.f_code.co_name
        trace = trace.tb_next
