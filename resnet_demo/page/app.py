"""Puts the page together: heading, tabs, and the line that says what it runs on."""

from __future__ import annotations

import html

import gradio as gr

from resnet_demo.backends import zerogpu_lease
from resnet_demo.errors import UserError
from resnet_demo.inference import predictor
from resnet_demo.page import catalog, photo_source, settings
from resnet_demo.page.gradio_patches import api_description, file_cache, missing_inputs
from resnet_demo.page.gradio_patches.leaving import on_leaving
from resnet_demo.page.i18n.errors import sentence
from resnet_demo.page.i18n.language import LANGUAGES, NAMES, PARAMETER
from resnet_demo.page.i18n.texts import fixed, in_english, label, language, say
from resnet_demo.page.tabs import registry
from resnet_demo.page.widgets.inputs import LISTENER, PRIVATE


def build() -> gr.Blocks:
    """The page, not yet launched."""
    zerogpu_lease.prepare()
    with gr.Blocks(title=label("title"), analytics_enabled=False) as page:
        with gr.Row(elem_classes=["masthead"]):
            gr.HTML(f"<h1>{label('title')}</h1>", elem_classes=["heading"])
            gr.HTML(fixed(switch), elem_id="language", elem_classes=["language"])
            status = gr.HTML(status_line(label("getting_ready")), elem_id="status", elem_classes=["status"])
        built = []
        known = registry.tabs()
        first = next((tab.id for tab in known if tab.shown()), known[0].id)
        with gr.Tabs(overflow_behavior="wrap", selected=first) as tabs:
            for tab in known:
                with gr.Tab(tab.title, id=tab.id, elem_id=f"tab-{tab.id}", visible=tab.shown()):
                    built.append(settings.Built(tab, tab.build()))
        settings.keep(tabs, built, page)
        missing_inputs.fill_with(page, fill_inputs)
        api_description.describe_page(page, in_english)
        for left in (one.tab.left for one in built if one.tab.left):
            on_leaving(page, left, LISTENER["concurrency_limit"])
        page.load(device_line, None, status, show_progress="hidden", **PRIVATE)
    return page


def fill_inputs(function: gr.blocks.BlockFunction, inputs: list) -> None:
    """Programs may leave out inputs of an endpoint, or send null for them: they get what the page starts with.

    Gradio's own client sends that for the last ones; plain HTTP does not, and would get an error of many lines.
    Photos become files here, whichever way they come.
    """
    inputs += [None] * (len(function.inputs) - len(inputs))
    for index, component in enumerate(function.inputs):
        if isinstance(component, gr.Image):
            inputs[index] = photo_source.file_data(inputs[index], file_cache.folder(component))
        elif inputs[index] is None and not component.stateful:
            inputs[index] = getattr(component, "value", None)


def device_line() -> str:
    """What the networks run on; waits until the first of them is loaded."""
    for task in catalog.first_tasks():
        if catalog.available(task):
            try:
                network = predictor.load(task, catalog.default_depth(task))
            except UserError as error:
                return status_line(sentence(error))
            engine = network.backend.split(" on ")[0]
            return status_line(say("running_on", device=network.device.upper(), engine=engine))
    return status_line(label("no_index"))


def status_line(text: str) -> str:
    """The info sign: what the page is for, and what it runs on."""
    lines = f"<p>{label('tagline')}</p><p>{html.escape(text, quote=False)}</p>"
    return f'<details class="info"><summary aria-label="{label("info")}"></summary><div>{lines}</div></details>'


def switch() -> str:
    """The languages of the page; all but the one it is in are links."""
    parts = []
    for name, title in NAMES.items():
        tag = LANGUAGES[name]
        if name == language():
            parts.append(f'<span lang="{tag}" aria-current="true">{title}</span>')
            continue
        # What else the address says stays; without scripts there would be no page to switch.
        keep = f"const a = new window.URL(location); a.searchParams.set('{PARAMETER}', '{name}'); this.href = a"
        link = (
            f'<a href="?{PARAMETER}={name}" lang="{tag}" hreflang="{tag}" target="_self" onclick="{keep}">{title}</a>'
        )
        parts.append(link)
    return f'<nav aria-label="{say("switch")}">{" / ".join(parts)}</nav>'
