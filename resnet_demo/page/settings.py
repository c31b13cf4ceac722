"""Settings outlive a reload, and the address restores what is on screen: tab, task, depth and options.

The browser keeps them (``localStorage``) and writes those of the open tab into the address. When the page comes up it
hands both back, the address first, and what does not exist here is left as it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from resnet_demo.page import restore
from resnet_demo.page.tabs.registry import Tab
from resnet_demo.page.widgets.inputs import PRIVATE

SCRIPT = """<script>
window.resnet = {
  restored: new Promise((resolve) => { window.resnetRestored = resolve; }),
  // The photo that was chosen last: for the other tabs, another language and a reload, until the window is closed.
  photo(chosen) {
    try {
      if (chosen) sessionStorage.setItem("resnet-demo-photo", JSON.stringify(chosen));
      return JSON.parse(sessionStorage.getItem("resnet-demo-photo"));
    } catch { return chosen || null; }
  },
  choices: 0, // of photos, in all tabs
  asked: {}, // Viewer → the photo that its tab was asked last, with the file's path on the server.
  busy(viewer, busy) {
    document.dispatchEvent(new CustomEvent("resnet:busy", { detail: { viewer, busy } }));
  },
  sendAlong(from, to) { this.choices++; this.photo({ ...this.asked[from], travels: to }); },
  compare(viewer) {
    this.sendAlong(viewer, "compare-photo");
    document.querySelector("#tab-compare-button").click();
  },
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
  tab(known, parts) {
    const { tab } = this.read();
    [this.parts, this.first] = [parts, known[0]];
    this.open = this.opened || (known.includes(tab) ? tab : this.first);
    if (this.opened) this.save("tab", this.opened);
    return { __type__: "update", ...(known.includes(tab) && !this.opened ? { selected: tab } : {}) };
  },
  // The ids round what was pressed last; what the visitor chose, and the tab that was opened by hand,
  // before the settings came back.
  hand: [], touched: {}, opened: null,
  again(names) {
    const { touched } = this;
    return names.map((name) => ({ __type__: "update", ...(name in touched ? { value: touched[name] } : {}) }));
  },
  settle() {
    this.settled = true;
    for (const [name, value] of Object.entries(this.touched)) this.save(name, value);
    window.resnetRestored();
  },
  save(name, value) {
    const same = String(value).replaceAll(",", "-") === String((this.ready || {})[name]).replaceAll(",", "-");
    if (!this.settled && !same && this.hand.includes(name.replace(/[._]/g, "-"))) this.touched[name] = value;
    if (name === "tab") // On a phone the tabs are a line that scrolls.
      document.getElementById(`tab-${value}-button`)?.scrollIntoView({ block: "nearest", inline: "center" });
    if (!this.ready) { // Gradio selects the first tab by itself, before anything is restored.
      if (name === "tab" && this.hand.includes(`tab-${value}-button`)) this.opened = value;
      return;
    }
    const all = { ...this.kept(), [name]: value };
    try { localStorage.setItem("resnet-demo", JSON.stringify(all)); } catch { /* a private window */ }
    const tab = name === "tab" ? value : this.open || this.first; // What is kept may be another window's.
    if (name !== "tab" && !name.startsWith(tab + ".")) return;
    const address = new URL(location);
    for (const part of this.parts || []) address.searchParams.delete(part);
    address.searchParams.set("tab", tab);
    for (const [key, one] of Object.entries(all))
      if (key.startsWith(tab + "."))
        address.searchParams.set(key.slice(tab.length + 1), Array.isArray(one) ? one.join("-") : one);
    const another = name === "tab" && value !== this.open;
    if (another) this.open = value;
    history[another ? "pushState" : "replaceState"](null, "", address);
  },
};
for (const press of ["pointerdown", "keydown", "input"])
  addEventListener(press, (event) => { window.resnet.hand = event.composedPath().map(({ id }) => id); }, true);
// A link of Compare leads to the Lab, and the photo goes along.
addEventListener("click", (event) => {
  if (event.target.closest?.(".card-lab")) window.resnet.sendAlong("compare-photo", "lab-photo");
}, true);
// Back and forward go through the tabs as they were opened.
addEventListener("popstate", () => {
  const { resnet } = window, tab = new URLSearchParams(location.search).get("tab") || resnet.first;
  if (tab === resnet.open) return;
  resnet.open = tab;
  document.getElementById(`tab-${tab}-button`)?.click();
});
</script>"""


@dataclass(frozen=True)
class Built:
    """A tab in the page, and its controls by name."""

    tab: Tab
    controls: Mapping[str, Component]


def keep(tabs: gr.Tabs, built: Sequence[Built], page: gr.Blocks) -> None:
    """Keep the open tab and the values of controls (such as ``flowers.depth``), and restore them on loading."""
    for part in tabs.children:
        if isinstance(part, gr.Tab):
            part.select(None, None, None, js=f"() => window.resnet.save('tab', '{part.id}')", **PRIVATE)
    kept = [
        (f"{one.tab.id}.{name}", control)
        for one in built
        for name, control in one.controls.items()
        if name not in one.tab.derived
    ]
    for name, control in kept:
        control.change(  # type: ignore[attr-defined]  # Gradio adds events to each class.
            None, [control], None, js=f"(value) => {{ window.resnet.save('{name}', value); }}", **PRIVATE
        )
    # The browser opens the tab alone. As an output of the server's answer the tabs would have a loading status, at each
    # change of which, in any later event, Gradio 6.31 copies the state of all components inside.
    known = [one.tab.id for one in built if one.tab.shown()]
    parts = sorted({name.partition(".")[2] for name, _ in kept})
    script = f"() => window.resnet.tab({json.dumps(known)}, {json.dumps(parts)})"
    page.load(None, None, [tabs], js=script, **PRIVATE)

    saved = gr.JSON(visible=False)
    controls = [control for one in built for control in one.controls.values()]

    def load(settings: dict | None):
        found = [restored(settings or {}, one) for one in built]
        updates = [(name, updates) for one, updates in zip(built, found, strict=True) for name in one.controls]
        return [of_tab.get(name, gr.skip()) for name, of_tab in updates]

    # The loading status of one hidden component in place of all controls', for the same reason.
    quiet: dict[str, Any] = {"show_progress": "hidden", "show_progress_on": saved, **PRIVATE}
    restoring = page.load(load, [saved], controls, js="() => [window.resnet.read()]", **quiet)
    # What the visitor chose while they were on their way stays.
    names = json.dumps([name for name, _ in kept])
    again = restoring.then(
        None, None, [control for _, control in kept], js=f"() => window.resnet.again({names})", **quiet
    )
    # Only then is it known what to ask of the first photo.
    again.then(None, None, None, js="() => window.resnet.settle()", **PRIVATE)


def restored(settings: Mapping[str, object], built: Built) -> dict[str, Any]:
    """Settings of the browser or of an address, which anybody may have written → updates by a tab's controls."""
    prefix = f"{built.tab.id}."
    values = {name.removeprefix(prefix): value for name, value in settings.items() if name.startswith(prefix)}
    if built.tab.restore:
        found = built.tab.restore(values)
    else:
        found = {name: restore.control(control, values.get(name)) for name, control in built.controls.items()}
    return {name: update for name, update in found.items() if name in built.controls and update is not None}
