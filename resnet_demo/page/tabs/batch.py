"""The tab Many: photos or a zip of them, and a table that fills as they are done."""

from __future__ import annotations

import html
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.data_classes import ListFiles

from resnet_demo import tasks
from resnet_demo.errors import UserError
from resnet_demo.images import archives
from resnet_demo.inference import batch, predictor
from resnet_demo.page import catalog, networks
from resnet_demo.page.endpoints import check_photo, check_weights, complain, photo_lines
from resnet_demo.page.events import depths_of, usable
from resnet_demo.page.fetch import fetch_carefully
from resnet_demo.page.gradio_patches.preprocess import read_with
from resnet_demo.page.gradio_patches.upload_button import ONE_BUTTON
from resnet_demo.page.i18n import class_names
from resnet_demo.page.i18n.errors import sentence
from resnet_demo.page.i18n.format import percent
from resnet_demo.page.i18n.texts import label, say
from resnet_demo.page.tabs import batch_similar, batch_truth
from resnet_demo.page.tabs.registry import tab
from resnet_demo.page.widgets.inputs import (
    LATEST,
    PRIVATE,
    address,
    cache_folder,
    depth_input,
    jpeg,
    note,
    note_output,
    task_input,
)
from resnet_demo.page.widgets.scripts import once

CLASSES, FACES, POINTS = "classes", "faces", "points"
# What its answers are → heading of their column, the sentence when all could be read, and when some could not.
TEXTS = {
    CLASSES: ("many_label", "many_named", "many_named_bad"),
    FACES: ("many_faces", "many_found", "many_found_bad"),
    POINTS: ("many_points", "many_marked", "many_marked_bad"),
}


@dataclass(frozen=True)
class Run:
    """What a run has so far; the page keeps it, so that a stopped one can be read and downloaded.

    Attributes:
        task, depth: the network.
        what: what its answers are: ``CLASSES``, ``FACES`` or ``POINTS``.
        total: pictures that were given.
        rows: answers so far, without thumbnails.
        lines: the same as lines of the table, HTML.
        pictures: each row's, HTML.
        truths: the class that each file's folder names, see ``batch_truth``, or None.
    """

    task: str
    depth: int
    what: str
    total: int
    rows: tuple[batch.Row, ...] = ()
    lines: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    truths: tuple[str | None, ...] = ()

    def plus(self, portion: Sequence[batch.Row], spec: tasks.TaskSpec) -> Run:
        pictures = [picture(row) for row in portion]
        return replace(
            self,
            rows=self.rows + tuple(replace(row, thumbnail=None) for row in portion),
            lines=self.lines
            + tuple(table_line(*both, self.task, self.what) for both in zip(portion, pictures, strict=True)),
            pictures=self.pictures + tuple(pictures),
            truths=self.truths + tuple(batch_truth.truth(row.name, spec) for row in portion),
        )


def look(uploads: list[tuple[str, str]] | None, task: str, depth: int) -> Iterator[Run]:
    """Run pictures through a network: what there is before the first, and after each portion.

    Raises:
        UserError: no files, too many of them, or no such network.
    """
    if not uploads:
        raise UserError(say("many_none"))
    for path, _ in uploads:
        check_photo(path)
    check_weights(task, depth)
    with archives.opened(uploads) as sources:
        if not sources:
            raise UserError(say("many_empty"))
        network = networks.network(task, depth)
        run = Run(task, depth, what_comes(network), len(sources))
        yield run
        for portion in batch.rows(network, sources, sentence):
            run = run.plus(portion, network.spec)
            yield run


def what_comes(network: predictor.Predictor) -> str:
    if network.spec.kind == tasks.CLASSIFICATION:
        return CLASSES
    return FACES if network.spec.detector else POINTS


def words(run: Run, stopped: bool = False) -> str:
    """How far a run is, or what came out of it."""
    done = len(run.rows)
    if done < run.total and not stopped:
        # Gradio's own display of progress goes away with the first rows.
        bar = f'<progress max="{run.total}" value="{done}" aria-hidden="true"></progress>'
        return note(say("many_going", done=done, total=run.total), bar)
    bad = sum(1 for row in run.rows if row.reason)
    numbers = {"good": done - bad, "total": done, "bad": bad, "faces": sum(row.count or 0 for row in run.rows)}
    lines = [say(TEXTS[run.what][2 if bad else 1], **numbers)]
    if done < run.total:
        lines.insert(0, say("many_stopped", done=done, total=run.total))
    if sum(row.embedding is not None for row in run.rows) > 1:
        lines.append(say("many_alike_hint"))
    if right := batch_truth.words(run.rows, run.truths):
        lines.append(right)
    network = catalog.network_title(run.task, run.depth)
    return note(*lines, facts=f"{html.escape(catalog.title(run.task))} · {html.escape(network)}")


def table(run: Run, over: bool = False) -> str:
    """The answers as an HTML table; file names and class names come from strangers and are escaped.

    Args:
        over: nothing more comes, so that each photo's look-alikes are known.
    """
    lines = run.lines
    if over:
        buttons = batch_similar.buttons(run.rows, run.pictures)
        lines = tuple(
            line.replace(shown, button, 1) if shown else line
            for line, shown, button in zip(lines, run.pictures, buttons, strict=True)
        )
    headings = [say("many_photo"), say("many_file"), say(TEXTS[run.what][0])]
    if run.what == CLASSES:
        headings += [say("many_probability"), say("many_second")]
    head = "".join(f'<th scope="col">{heading}</th>' for heading in headings)
    return (
        f'<table aria-label="{say("many_table")}"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table>'
    )


def picture(row: batch.Row) -> str:
    """A row's thumbnail, which goes into Gradio's cache, as HTML."""
    if not row.thumbnail:
        return ""
    # In the table the name of the file stands beside it, so that the picture needs no words of its own.
    return f'<img src="{html.escape(address(jpeg(row.thumbnail, "small", 80)))}" alt="" loading="lazy">'


def table_line(row: batch.Row, shown: str, task: str, what: str) -> str:
    """One line of the table; ``shown`` is the row's picture."""
    if row.reason:
        cells = f'<td class="bad" colspan="{3 if what == CLASSES else 1}">{html.escape(row.reason)}</td>'
    elif what == CLASSES:
        named = [
            (html.escape(class_names.shown(task, score.label)), percent(score.probability)) for score in row.scores
        ]
        (best, share), *others = named
        second = "".join(f"{name} <small>{share}</small>" for name, share in others)
        unknown = f" <small>{html.escape(say('unknown_short'))}</small>" if row.unknown else ""
        cells = f"<td>{best}{unknown}</td><td>{share}</td><td>{second}</td>"
    else:
        cells = f"<td>{row.count}</td>"
    said = "".join(f"<br><small>{line}</small>" for line in photo_lines(row))
    return f'<tr><td>{shown}</td><th scope="row">{html.escape(row.name)}{said}</th>{cells}</tr>'


def csv_file(run: Run) -> str:
    """The answers as a CSV in Gradio's cache → its path, with a name that says what it is."""
    kind = tasks.CLASSIFICATION if run.what == CLASSES else tasks.KEYPOINTS
    folder = Path(tempfile.mkdtemp(prefix="table-", dir=cache_folder()))
    path = folder / f"{run.task}-resnet{run.depth}.csv"
    path.write_bytes(batch.to_csv(run.rows, kind, run.what, run.truths))
    return str(path)


def paths_and_names(payload: ListFiles | None) -> list[tuple[str, str]]:
    return [(file.path, file.orig_name or Path(file.path).name) for file in (payload.root if payload else [])]


def files_input(elem_id: str, key: str = "many_files") -> gr.File:
    """Any number of files; hands over (path, name) of each. What is no photo gets its line in the table."""
    files = gr.File(label=label(key), file_count="multiple", height=220, elem_id=elem_id)
    # Gradio hands over paths, in which names lack what it takes for unsafe, and leaves an empty file for each.
    return fetch_carefully(read_with(files, paths_and_names))


@tab("many", shown=lambda: catalog.shows(tasks.CLASSIFICATION, tasks.KEYPOINTS))
def build() -> dict[str, Component]:
    """Build the tab inside the page that is being built."""
    with gr.Row(elem_classes=["columns"]):
        with gr.Column(min_width=300, scale=1):
            files = files_input("many-files")
            with gr.Group():
                first = catalog.first_task(tasks.CLASSIFICATION, tasks.KEYPOINTS)
                task = task_input("many-task", first, tasks.CLASSIFICATION, tasks.KEYPOINTS)
                depth = depth_input(first, "many-depth")
            with gr.Row():
                start = gr.Button(label("many_run"), variant="primary", min_width=120, elem_id="many-run")
                stop = gr.Button(label("many_stop"), interactive=False, min_width=80, elem_id="many-stop")
        with gr.Column(min_width=300, scale=2):
            words_line = note_output("hint_many", "many-note")
            download = gr.DownloadButton(label("many_csv"), interactive=False, size="md", elem_id="many-csv")
            matrix = gr.HTML("", js_on_load=once("confusion"), elem_id="many-matrix")
            results = gr.HTML(
                "", js_on_load=ONE_BUTTON + once("similar"), elem_id="many-table", elem_classes=["many-table"]
            )
    kept = gr.State(None)

    def answer(uploads, task_name, depth_number):
        run = None
        try:
            for run in look(uploads, task_name, usable(task_name, depth_number)):
                yield {
                    kept: run,
                    results: table(run),
                    words_line: words(run),
                    stop: gr.update(interactive=True),
                    download: gr.update(interactive=False),
                    matrix: "",
                }
        except Exception as error:
            line = complain(error)
        else:
            assert run is not None  # The first one comes before any picture.
            line = words(run)
        yield {words_line: line, **rest(run)}

    def stopped(run):
        """The answer to Stop; what is running at that moment comes to its end unseen."""
        return {words_line: words(run, stopped=True) if run else note(label("hint_many")), **rest(run)}

    def rest(run):
        """What is left when a run is over, one way or another."""
        csv = gr.update(value=csv_file(run), interactive=True) if run and run.rows else gr.update(interactive=False)
        truth = batch_truth.matrix(run.rows, run.truths, run.pictures, run.task) if run else ""
        shown = {results: table(run, over=True)} if run else {}
        return {stop: gr.update(interactive=False), download: csv, matrix: truth, **shown}

    def cleared():
        return {kept: None, results: "", words_line: note(label("hint_many")), **rest(None)}

    quiet: dict[str, Any] = {"show_progress": "minimal", "show_progress_on": words_line, **PRIVATE}
    everything = [results, words_line, stop, download, matrix]
    # A listener holds its slot for a whole run, so that a few long ones do not keep the other tabs waiting.
    running = gr.on(
        [files.upload, start.click], answer, [files, task, depth], [kept, *everything], trigger_mode="once", **quiet
    )
    # First the run is stopped, and then it is said what is there: a portion that ends meanwhile would else have the
    # last word. (With a function of its own Gradio 6.31 waits for the click's answer before it cancels.)
    halted = stop.click(None, None, None, cancels=[running], **PRIVATE).then(stopped, kept, everything, **quiet)
    # What was on its way to the browser when Stop came.
    halted.then(stopped, kept, everything, **quiet)
    emptied = files.clear(None, None, None, cancels=[running], **PRIVATE)
    emptied.then(cleared, None, [kept, *everything], **quiet)
    task.input(depths_of, [task, depth], depth, **LATEST, **quiet)
    return {}
