"""One button for further files where Gradio has two, one inside the other.

In Gradio 6.31 the button that takes further files lies in one that does nothing itself: the tab key stops at both, and
the outer one is called "common.upload", which is the key of a text that does not exist.
"""

from __future__ import annotations

# For ``gr.HTML(js_on_load=...)`` of a component in the same row as the files.
ONE_BUTTON = """
const row = element.closest(".row") || document.body;
const tidy = () => row.querySelectorAll("button:has(> div > button)").forEach((outer) => {
  if (outer.getAttribute("role") === "none") return;
  outer.setAttribute("role", "none");
  outer.tabIndex = -1;
  for (const name of ["aria-label", "aria-haspopup"]) outer.removeAttribute(name);
  outer.title = outer.querySelector("button").getAttribute("aria-label");
});
tidy();
new MutationObserver(tidy).observe(row, {childList: true, subtree: true});
"""
