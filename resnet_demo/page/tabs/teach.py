"""The tab Teach: classes of one's own, from photos to answers in seconds (see ``resnet_demo.teach``)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import gradio as gr
from gradio.components import Component

from resnet_demo import tasks
from resnet_demo.errors import UserError
from resnet_demo.inference import results
from resnet_demo.inference.classifier import Classifier
from resnet_demo.page import catalog, lessons, networks, restore
from resnet_demo.page.endpoints import check_photo, check_weights, complain
from resnet_demo.page.events import depths_of, usable
from resnet_demo.page.gradio_patches.event_data import sent
from resnet_demo.page.gradio_patches.upload_button import ONE_BUTTON
from resnet_demo.page.i18n.errors import sentence
from resnet_demo.page.i18n.texts import label, say
from resnet_demo.page.lessons import Lesson, Upload
from resnet_demo.page.tabs import classify, teach_view
from resnet_demo.page.tabs.batch import files_input
from resnet_demo.page.tabs.registry import tab
from resnet_demo.page.widgets.class_list import blank as no_list
from resnet_demo.page.widgets.class_list import class_list, listing
from resnet_demo.page.widgets.inputs import (
    DRAFT_SIDE,
    LATEST,
    PRIVATE,
    address,
    as_uploaded,
    cache_folder,
    depth_input,
    jpeg,
    note,
    note_output,
    task_input,
)
from resnet_demo.page.widgets.scripts import once
from resnet_demo.page.widgets.viewer import blank as no_view
from resnet_demo.page.widgets.viewer import view_of, viewer
from resnet_demo.teach import save
from resnet_demo.teach.head import TRUNKS

NAME = "my-classes"  # of the task, where the visitor does not choose another
SCRIPT = Path(__file__).with_name("teach.js").read_text("utf-8")
# The file is made when it is asked for, and downloads by itself; the link stays.
FETCH = """
const fetch = () => {
  const {url, name} = props.value || {}, line = element.querySelector("p");
  line.replaceChildren();
  if (!url) return;
  const link = document.createElement("a");
  link.href = url;
  link.download = link.textContent = name;
  line.append(link);
  link.click();
};
watch("value", fetch);
"""
# The name's box is cleared for the next class by the browser: an answer of the server would come late, over what was
# typed since.
TAKE_NAME = "(name, ...others) => { window.resnet.named = name; return [name, ...others]; }"
CLEAR_NAME = "(name) => (name === window.resnet.named ? '' : name)"


def default_trunk() -> str:
    """The task that the page starts with: the first of ``TRUNKS`` that has a network here."""
    return next((task for task in TRUNKS if catalog.available(task)), catalog.FLOWERS)


def title(task: str, depth: int) -> str:
    return f"{catalog.title(task)} · {catalog.network_title(task, depth)}"


def checkpoint_file(lesson: Lesson, network: Classifier, name: str) -> str:
    """What was taught as a zip in Gradio's cache → its path.

    Raises:
        UserError: nothing is taught, or the name will not do.
    """
    taught = lesson.solve(network, name.strip() or NAME)
    if taught is None:
        raise UserError(say("teach_none"))
    place = Path(tempfile.mkdtemp(prefix="taught-", dir=cache_folder()))
    with tempfile.TemporaryDirectory(dir=place) as folder:
        made = save.save(taught, Path(folder) / taught.checkpoint.spec.name, len(lesson.bad))
        path = save.pack(made, place / f"{made.name}-resnet{taught.checkpoint.depth}.zip")
    lesson.files.add(str(path))
    return str(path)


def commands(lesson: Lesson, name: str) -> str:
    """How what was taught is used; nothing before anything is."""
    taught = lesson.taught
    return teach_view.commands(name.strip() or NAME, taught.checkpoint.architecture) if taught else ""


def answer(lesson: Lesson, network: Classifier, image: str) -> results.Prediction:
    """What a photo shows, by what was taught.

    Raises:
        UserError: nothing is taught, or no usable photo.
    """
    if lesson.taught is None:
        raise UserError(say("teach_none"))
    lesson.files.add(check_photo(image))
    return lesson.taught.predictor(network)(image, 5, DRAFT_SIDE)


def picture_input(elem_id: str, key: str, sources: list[Literal["upload", "clipboard", "webcam"]]) -> gr.Image:
    """A picture of this tab alone: it does not travel to the others. Hands over the path of the upload as it came."""
    picture = gr.Image(
        label=label(key),
        sources=sources,
        webcam_options=gr.WebcamOptions(mirror=False),  # The photo as the camera saw it.
        type="filepath",
        image_mode=None,
        height=300,
        buttons=["fullscreen"],
        elem_id=elem_id,
        alt_text=label(key),
    )
    return as_uploaded(picture)


def left(request: gr.Request) -> None:
    """A visitor closed or left the page."""
    lessons.end(request.session_hash)


def restored(values: Mapping[str, object]) -> dict[str, Any]:
    return restore.task_and_depths(values, default_trunk(), tasks.CLASSIFICATION)


@tab("teach", restore=restored, left=left, shown=lambda: not catalog.has_only_own())
def build() -> dict[str, Component]:
    """Build the tab inside the page that is being built."""
    trunk = default_trunk()
    with gr.Row(elem_classes=["columns"]):
        with gr.Column(min_width=300):
            with gr.Group():
                name = gr.Textbox(
                    label=label("teach_class"),
                    placeholder=label("teach_class_hint"),
                    max_length=lessons.LONGEST_NAME,
                    elem_id="teach-class",
                )
                files = files_input("teach-files", "teach_files")
            with gr.Accordion(label("teach_camera"), open=False):
                camera = picture_input("teach-camera", "teach_camera_photo", ["webcam"])
            classes = gr.HTML("", js_on_load=ONE_BUTTON + SCRIPT, elem_id="teach-classes", elem_classes=["teach"])
            with gr.Group(elem_classes=["controls"]):
                task = task_input("teach-task", trunk, tasks.CLASSIFICATION, key="teach_trunk")
                depth = depth_input(trunk, "teach-depth")
        with gr.Column(min_width=300):
            line = note_output("hint_teach", "teach-note")
            matrix = gr.HTML("", js_on_load=once("confusion"), elem_id="teach-matrix", elem_classes=["teach"])
            with gr.Group():
                task_name = gr.Textbox(
                    label=label("teach_task"),
                    placeholder=label("teach_task_hint"),
                    max_length=40,
                    elem_id="teach-name",
                )
            take = gr.Button(label("teach_download"), interactive=False, elem_id="teach-download")
            file = gr.HTML({}, html_template="<p></p>", js_on_load=FETCH, elem_id="teach-file")
            use = gr.HTML("", elem_id="teach-use")
        with gr.Column(min_width=300):
            photo = picture_input("teach-photo", "teach_try", ["upload", "clipboard", "webcam"])
            view = viewer("teach-overlay", "classes")
            found = class_list("teach-found", "teach-overlay")
            tried = note_output("hint_teach_try", "teach-tried")

    def nothing():
        return {view: no_view(), found: no_list(), tried: note(label("hint_teach_try"))}

    def network(task_title, depth_number):
        depth_number = usable(task_title, depth_number)
        check_weights(task_title, depth_number)
        return networks.network(task_title, depth_number).as_a(Classifier)

    def shown(lesson: Lesson, wanted) -> dict:
        task_title, depth_number = lesson.trunk or (trunk, 0)
        return {
            classes: teach_view.class_rows(lesson),
            matrix: teach_view.matrix(lesson),
            line: teach_view.words(lesson, title(task_title, depth_number)),
            take: gr.update(interactive=lesson.taught is not None),
            use: commands(lesson, wanted),
        }

    def taught(chosen, wanted, lesson: Lesson, look) -> Iterator[dict]:
        """Look at photos with the chosen network, task and depth, and solve."""
        try:
            with lesson.lock:
                trunk_network = network(*chosen)
                for done, total in look(trunk_network):
                    if done % 16 == 0 or done == 1:
                        yield {line: teach_view.going(done, total)}
                lesson.trunk = chosen
                lesson.solve(trunk_network, NAME)
        except Exception as error:
            yield {line: complain(error)}
            return
        yield shown(lesson, wanted)

    def chosen(lesson: Lesson, task_title, depth_number) -> tuple[str, int]:
        """The network of what is there already, else the one that the controls say."""
        if lesson.examples and lesson.trunk:
            return lesson.trunk
        return task_title, usable(task_title, depth_number)

    def take_in(typed, given, request: gr.Request):
        """Photos and the class that is typed for them, and an empty box: others may come while these are looked at."""
        if given:
            lessons.of(request.session_hash).take_in(Upload(given, typed or ""))

    def add_next(task_title, depth_number, wanted, request: gr.Request):
        """What was taken in first."""
        lesson = lessons.of(request.session_hash)
        if not lesson.queue:
            yield gr.skip()
            return
        upload = lesson.queue.popleft()

        def look(trunk_network):
            return lesson.add(upload, trunk_network, sentence, thumbnail)

        yield from taught(chosen(lesson, task_title, depth_number), wanted, lesson, look)

    def thumbnail(small) -> str:
        return jpeg(small, "taught", 80)

    def take_photo(taken, typed, request: gr.Request):
        """The camera's photo, and the camera again: the next one is of the same class."""
        if not taken:
            return gr.skip()
        take_in(typed, [(taken, Path(taken).name)], request)
        return None

    def add_waiting(typed, task_title, depth_number, wanted, request: gr.Request):
        """The page's answer to a class's name: photos that came without one are of this class."""
        take_in(typed, lessons.of(request.session_hash).waiting, request)
        yield from add_next(task_title, depth_number, wanted, request)

    def other_trunk(task_title, depth_number, wanted, request: gr.Request):
        """The page's answer to another network: the same photos, looked at again."""
        yield {depth: depths_of(task_title, depth_number)}
        depth_number = usable(task_title, depth_number)
        lesson = lessons.of(request.session_hash)
        if lesson.uploads:

            def look(trunk_network):
                return lesson.again(trunk_network, sentence, thumbnail)

            yield from taught((task_title, depth_number), wanted, lesson, look)

    def remove(task_title, depth_number, wanted, event: gr.EventData, request: gr.Request):
        lesson, index = lessons.of(request.session_hash), sent(event)["index"]

        def look(_):
            names = lesson.names
            if isinstance(index, int) and 0 <= index < len(names):
                lesson.remove(names[index])
            return ()

        yield from taught(chosen(lesson, task_title, depth_number), wanted, lesson, look)

    def try_photo(image, request: gr.Request):
        lesson = lessons.of(request.session_hash)
        if not image or lesson.taught is None or lesson.trunk is None:
            return nothing()
        try:
            prediction = answer(lesson, network(*lesson.trunk), image)
        except Exception as error:
            return {tried: complain(error)}
        picture = view_of(prediction, None)
        lesson.tokens.append(picture["token"])
        return {view: picture, found: listing(prediction, None), tried: classify.words(prediction)}

    def download(wanted, request: gr.Request):
        lesson = lessons.of(request.session_hash)
        try:
            if lesson.trunk is None:
                raise UserError(say("teach_none"))
            with lesson.lock:
                path = checkpoint_file(lesson, network(*lesson.trunk), wanted)
        except Exception as error:
            return {file: {}, line: complain(error)}
        return {
            file: {"url": address(path), "name": Path(path).name},
            line: teach_view.words(lesson, title(*lesson.trunk)),
            use: commands(lesson, wanted),
        }

    quiet: dict[str, Any] = {"show_progress": "minimal", "show_progress_on": line, **PRIVATE}
    everything = [classes, matrix, line, take, use]
    controls = [task, depth, task_name]
    answers = [view, found, tried]
    watched: dict[str, Any] = {"show_progress": "minimal", "show_progress_on": view, **PRIVATE}
    adding: dict[str, Any] = {"trigger_mode": "once", **quiet}
    each: dict[str, Any] = {"trigger_mode": "multiple", **quiet}
    added = [
        files.upload(take_in, [name, files], files, js=TAKE_NAME, **each)
        .then(add_next, controls, everything, **each)
        .then(None, name, name, js=CLEAR_NAME, **each),
        name.submit(add_waiting, [name, *controls], everything, js=TAKE_NAME, **adding).then(
            None, name, name, js=CLEAR_NAME, **quiet
        ),
        camera.change(take_photo, [camera, name], camera, **each).then(add_next, controls, everything, **each),
        gr.on([task.input, depth.input], other_trunk, controls, [depth, *everything], **LATEST, **quiet),
        classes.select(remove, controls, everything, **quiet),
    ]
    for event in added:
        event.then(try_photo, photo, answers, **watched)
    photo.change(try_photo, photo, answers, **watched)
    take.click(download, task_name, [file, line, use], **quiet)
    return {"task": task, "depth": depth}
