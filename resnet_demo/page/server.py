"""Where and how the page is served, and getting the networks ready behind it."""

from __future__ import annotations

import errno
import logging
import os
import socket
import threading
from collections.abc import Collection, Mapping, MutableMapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from resnet_demo.backends import zerogpu_lease
from resnet_demo.errors import UserError
from resnet_demo.images.pixel_budget import budget
from resnet_demo.page.i18n.texts import say
from resnet_demo.page.limits import Limits
from resnet_demo.page.serving import stopping, temp_folder
from resnet_demo.page.serving.requests import Requests
from resnet_demo.utils import memory

if TYPE_CHECKING:
    import gradio as gr

log = logging.getLogger(__name__)

MAX_UPLOAD = "300mb"  # a zip of many photos
FAVICON = str(Path(__file__).with_name("favicon.svg"))
PREVIEW = Path(__file__).with_name("preview.jpg")  # what a link to the page shows elsewhere; `make pictures` takes it
QUEUE = 64  # Waiting requests: beyond that a sentence at once is kinder than a wait of minutes.


def address(environment: Mapping[str, str]) -> tuple[str, int]:
    """Host and port to listen on.

    Raises:
        UserError: ``PORT`` is no port.
    """
    host = environment.get("HOST") or ("0.0.0.0" if environment.get("SPACE_ID") else "127.0.0.1")
    text = environment.get("PORT") or "7860"
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise UserError(say("port_bad", port=text))
    return host.removeprefix("[").removesuffix("]"), int(text)


def in_address(host: str) -> str:
    """A host as it stands in an address: those of IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def check_free(host: str, port: int) -> None:
    """Raise a UserError where the page cannot listen; Gradio's own message speaks of ranges and parameters."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # As the server does: not held up by old ones.
        try:
            probe.bind((host, port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            raise UserError(say("port_taken" if taken else "port_refused", host=host, port=port)) from error


def bypass_proxy(environment: MutableMapping[str, str], host: str) -> None:
    """Keep what is meant for this machine from the proxy: at launch Gradio asks itself whether it is there, and gives
    up where a proxy answers in its place."""
    given = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    hosts = [name for name in given.split(",") if name]
    hosts += [name for name in ("localhost", "127.0.0.1", "::1", host) if name not in hosts]
    environment["no_proxy"] = environment["NO_PROXY"] = ",".join(hosts)


def serve() -> None:
    """See ``resnet_demo.page.serve``."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    for noisy in ("httpx", "httpcore", "mcp"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        host, port = address(os.environ)
        limits = Limits.of(os.environ)
        check_free(host, port)
        folder = temp_folder.own_folder(os.environ, host, port)
    except UserError as error:
        raise SystemExit(str(error)) from error
    bypass_proxy(os.environ, host)
    from resnet_demo.page.serving import memory_keeper

    memory.share_arenas()
    budget.most = limits.decoded_megapixels * 1_000_000
    served = launch(host, port, limits, folder)
    if served.page.mcp_error:
        log.warning("%s", served.page.mcp_error)
    asked = stopping.catch_signals()  # Before the page is said to be there: whoever reads that may ask it to stop.
    shown = "localhost" if host in ("127.0.0.1", "0.0.0.0") else in_address(host)
    print(say("serving", host=shown, port=port), flush=True)
    if not zerogpu_lease.is_lent():
        threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
    served.sweeper.start()
    memory_keeper.start(limits)
    stopping.wait(served.page, served.requests, served.sweeper, limits.stop_seconds, asked)


@dataclass(frozen=True)
class Served:
    """A page that answers: the page, its counts, and what deletes its visitors' files."""

    page: gr.Blocks
    requests: Requests
    sweeper: temp_folder.Sweeper


def launch(host: str, port: int, limits: Limits, folder: Path) -> Served:
    """Build the page and let it answer, without waiting.

    Args:
        folder: of visitors' files, see ``temp_folder.own_folder``; it must have been made before Gradio is imported.
    """
    from starlette.middleware import Middleware
    from starlette.responses import FileResponse
    from starlette.routing import Route

    from resnet_demo.page import catalog, lessons
    from resnet_demo.page.app import build
    from resnet_demo.page.gradio_patches import (
        api_calls,
        compressed_page,
        fewer_threads,
        first_files,
        light_sessions,
        link_preview,
        mcp_errors,
        mcp_input,
        mcp_output,
        mcp_threads,
        one_app,
        queue_wakes,
        radio_groups,
        server_config,
        temp_files,
    )
    from resnet_demo.page.i18n.errors import names_server_file, sentence
    from resnet_demo.page.i18n.language import Localised
    from resnet_demo.page.i18n.texts import in_english, label, say, translations
    from resnet_demo.page.serving import connections, mcp_log
    from resnet_demo.page.serving.faults import Sentences
    from resnet_demo.page.serving.headers import SecureHeaders
    from resnet_demo.page.serving.kept_files import KeptFiles
    from resnet_demo.page.serving.mcp_hosts import OwnHosts, hosts
    from resnet_demo.page.serving.requests import Counted
    from resnet_demo.page.serving.upload_volume import Volume
    from resnet_demo.page.settings import SCRIPT
    from resnet_demo.page.widgets import scripts
    from resnet_demo.page.widgets.theme import CSS, HEAD, theme

    def bad_input() -> str:
        return say("http_bad")

    lessons.limits = limits
    with one_app.later():
        page, requests = build(), Requests()
        page.queue(max_size=QUEUE, default_concurrency_limit=4, api_open=False)
    sweeper = temp_folder.Sweeper(
        folder,
        limits.keep_seconds,
        limits.temp_mb * 1_000_000,
        kept=lambda: temp_files.kept(page),
        used=lessons.files,
        forget=lambda paths: forget(page, paths, limits.keep_seconds),
    )
    queue_wakes.let_rest(page)
    light_sessions.lighten()
    fewer_threads.save()
    # The tasks once: looking into the index at each call would cost a millisecond.
    api_calls.watch(page, requests.called, catalog.names(), sentence, bad_input)
    link_preview.describe(in_english(label("title")), in_english(label("tagline")), f"/{PREVIEW.name}")
    connections.quiet()
    mcp_log.quiet()
    server_config.set_up(
        http=connections.protocol(limits),
        backlog=connections.backlog(limits),
        timeout_graceful_shutdown=1,
        server_header=False,
    )
    if zerogpu_lease.is_lent():
        place()
    page.launch(
        server_name=in_address(host),
        server_port=port,
        prevent_thread_lock=True,
        show_error=True,
        quiet=True,
        theme=theme(),
        css=CSS,
        head=HEAD + SCRIPT + scripts.head() + radio_groups.ONE_NAME,
        i18n=translations(),
        app_kwargs={
            "routes": [Route(f"/{PREVIEW.name}", lambda _: FileResponse(PREVIEW)), *first_files.ask_early(page)],
            "middleware": [
                Middleware(SecureHeaders),
                Middleware(KeptFiles),
                Middleware(Counted, requests=requests, metrics=bool(limits.metrics)),
                Middleware(Sentences),
                Middleware(
                    Volume,
                    most=limits.upload_mb * 1_000_000,
                    added=sweeper.added,
                    trusted_proxy=bool(os.environ.get("SPACE_ID")),
                ),
                Middleware(OwnHosts, names=hosts(os.environ, host)),
                Middleware(compressed_page.CompressedPage),
                Middleware(Localised),
            ],
        },
        state_session_capacity=light_sessions.MAX_SESSIONS,
        favicon_path=FAVICON,
        footer_links=["api"],
        run_history=False,
        max_file_size=MAX_UPLOAD,
        ssr_mode=False,
        share=False,
        mcp_server=True,  # Where the package mcp is missing, the page goes on without.
    )
    mcp_input.leave_photos(page)
    mcp_output.tidy(page)
    mcp_errors.speak_plainly(page, bad_input, names_server_file)
    mcp_threads.wait_apart(page)
    return Served(page, requests, sweeper)


def forget(page: gr.Blocks, paths: Collection[str], seconds: float) -> None:
    """After a sweep: what was deleted and who has gone is in no list of Gradio's either."""
    from resnet_demo.page.gradio_patches import light_sessions, temp_files

    temp_files.forget(page, paths)
    light_sessions.end_old(page, seconds)


def place() -> None:
    """Load every network that is here, before a ZeroGPU Space's launch: from then on they go to the GPU with it."""
    from resnet_demo import checkpoints
    from resnet_demo.inference import predictor

    for entry in checkpoints.entries():
        try:
            if entry.is_cached:
                predictor.load(entry.task, entry.depth)
        except UserError as error:
            log.warning("%s", error)


def warm_up() -> None:
    """Load the networks people meet first and run a picture through each; visitors who come earlier wait for it."""
    if find_spec("matplotlib"):
        import matplotlib  # noqa: F401  # Gradio imports it at the first event where it is installed.
    from resnet_demo.inference import predictor
    from resnet_demo.page import catalog
    from resnet_demo.page.widgets.examples import example
    from resnet_demo.tasks import CLASSIFICATION

    for task in catalog.first_tasks():
        name = "dahlia" if catalog.kind(task) == CLASSIFICATION else "astronaut"
        try:
            if catalog.available(task):
                predictor.load(task, catalog.default_depth(task))(example(name))
        except UserError as error:
            log.warning("%s", error)
        except Exception:
            log.exception("Warming up %s failed; the page goes on without.", task)
