"""Settings outlive a reload, and the address restores what is on screen: tab, task, depth and options.

The browser keeps them (``localStorage``) and writes those of the open tab into the address. When the page comes up it
hands both back, the address first, and what does not exist here is left as it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import gradio as gr

from resnet_demo.models.architecture import DEPTHS
from resnet_demo.page import catalog
from resnet_demo.page.tabs.classify import MAX_TOP_K
from resnet_demo.page.widgets.inputs import PRIVATE, depth_look, target_choices

SCRIPT = """<script>
window.resnet = {
  kept() {
    try { return JSON.parse(localStorage.getItem("resnet-demo")) || {}; } catch { return {}; }
  },
  // Once only: opening the tab already changes the address.
  read() {
    if (this.ready) return this.ready;
    const all = this.kept(), query = new URLSearchParams(location.search), tab = query.get("tab") || all.tab;
    for (const [name, value] of query) if (name !== "tab") all[`${tab}.${name}`] = value;
    return this.ready = { ...all, tab };
  },
  tab(known) {
    const { tab } = this.read();
    return { __type__: "update", ...(known.includes(tab) ? { selected: tab } : {}) };
  },
  save(name, value) {
    if (!this.ready) return; // Gradio selects the first tab by itself, before anything is restored.
    const all = { ...this.kept(), [name]: value };
    try { localStorage.setItem("resnet-demo", JSON.stringify(all)); } catch { /* a private window */ }
    const tab = all.tab || "flowers";
    if (name !== "tab" && !name.startsWith(tab + ".")) return;
    const address = new URL(location);
    for (const part of ["task", "depth", "depths", "top_k", "region"]) address.searchParams.delete(part);
    address.searchParams.set("tab", tab);
    for (const [key, one] of Object.entries(all))
      if (key.startsWith(tab + "."))
        address.searchParams.set(key.slice(tab.length + 1), Array.isArray(one) ? one.join("-") : one);
    history.replaceState(null, "", address);
  },
};
</script>"""


def keep(tabs: gr.Tabs, controls: Mapping[str, Any], page: gr.Blocks) -> None:
    """Keep the open tab and the values of ``controls`` (such as ``flowers.depth``), and restore them on loading."""
    parts = [part for part in tabs.children if isinstance(part, gr.Tab)]
    for tab in parts:
        tab.select(None, None, None, js=f"() => window.resnet.save('tab', '{tab.id}')", **PRIVATE)
    for name, control in controls.items():
        if name.endswith((".target", ".last_task")):
            continue  # A class belongs to a photo; what the controls are set to follows from the task.
        control.change(None, [control], None, js=f"(value) => {{ window.resnet.save('{name}', value); }}", **PRIVATE)
    # The browser opens the tab alone. As an output of the server's answer the tabs would have a loading status, at each
    # change of which, in any later event, Gradio 6.31 copies the state of all components inside.
    known = json.dumps([tab.id for tab in parts])
    page.load(None, None, [tabs], js=f"() => window.resnet.tab({known})", **PRIVATE)

    saved = gr.JSON(visible=False)
    names = list(controls)

    def load(settings: dict | None):
        updates = restored(settings or {}, names)
        return [updates.get(name, gr.skip()) for name in names]

    # The loading status of one hidden component in place of all controls', for the same reason.
    quiet: dict[str, Any] = {"show_progress": "hidden", "show_progress_on": saved, **PRIVATE}
    page.load(load, [saved], [*controls.values()], js="() => [window.resnet.read()]", **quiet)


def restored(settings: Mapping[str, object], names: list[str]) -> dict[str, object]:
    """Settings of the browser or of an address, which anybody may have written → updates by control."""
    found: dict[str, Any] = {}
    for tab in dict.fromkeys(name.split(".")[0] for name in names):
        kinds = {"flowers": ("classification",), "faces": ("keypoints",)}.get(tab, ("classification", "keypoints"))
        usual = catalog.FACES if tab == "faces" else catalog.FLOWERS
        offered = [name for _, name in catalog.task_choices(*kinds)]
        task = settings.get(f"{tab}.task")
        if task in offered and task != usual:
            found[f"{tab}.task"] = gr.update(value=task)
            found[f"{tab}.last_task"] = task
            found[f"{tab}.target"] = gr.update(choices=target_choices(task))
            found[f"{tab}.region"] = gr.update(visible=catalog.has_regions(task))
        else:
            task = usual
        available = catalog.available(task)
        depths = [depth for depth in numbers(settings.get(f"{tab}.depth")) if depth in available]
        several = [depth for depth in numbers(settings.get(f"{tab}.depths")) if depth in available]
        look = depth_look(task) if task != usual else {}
        if depths or look:
            found[f"{tab}.depth"] = gr.update(value=depths[0] if depths else catalog.default_depth(task), **look)
        if several or look:
            found[f"{tab}.depths"] = gr.update(value=several or catalog.compared_depths(task), **look)
    top_k = numbers(settings.get("flowers.top_k"), range(1, MAX_TOP_K + 1))
    if top_k:
        found["flowers.top_k"] = gr.update(value=top_k[0])
    region = settings.get("faces.region")
    if region in catalog.REGIONS:
        found.setdefault("faces.region", gr.update())["value"] = region
    return {name: update for name, update in found.items() if name in names}


def numbers(value: object, known: range | tuple[int, ...] = DEPTHS) -> list[int]:
    """50, "50", [18, 50] or "18-50" → those of ``known``."""
    parts = value if isinstance(value, list) else str(value).split("-")
    return [int(part) for part in map(str, parts) if part.isdecimal() and int(part) in known]
