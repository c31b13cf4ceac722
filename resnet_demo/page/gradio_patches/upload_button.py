"""One button for further files where Gradio has two, one inside the other.

In Gradio 6.31 the button that takes further files lies in one that does nothing itself: the tab key stops at both, a
screen reader finds a button inside a button, and the outer one is called "common.upload", which is the key of a text
that does not exist. So the inner one rests, and the outer one opens its chooser.
"""

from __future__ import annotations

# For ``gr.HTML(js_on_load=...)`` of a component in the same row as the files.
ONE_BUTTON = """
const row = element.closest(".row") || document.body;
const tidy = () => row.querySelectorAll("button:has(> div > button)").forEach((outer) => {
  const inner = outer.querySelector("button");
  if (inner.disabled) return;
  const name = inner.getAttribute("aria-label");
  inner.disabled = true;  // Neither a stop of the tab key nor a button to a screen reader.
  inner.style.pointerEvents = "none";
  outer.setAttribute("aria-label", name);
  outer.removeAttribute("aria-haspopup");
  outer.title = name;
  outer.addEventListener("click", (event) => {
    const input = outer.querySelector("input[type=file]");
    if (input && event.target !== input) input.click();
  });
});
tidy();
new MutationObserver(tidy).observe(row, {childList: true, subtree: true});
"""
