"""Radios of one group are one stop of the tab key, and arrows move among them.

Gradio 6.31 gives each radio a name of its own, so that each is a group of one to the browser. They get one name, that
of the element around them.
"""

from __future__ import annotations

# For the page's head.
ONE_NAME = """<script>
new MutationObserver(() => {
  for (const radio of document.querySelectorAll("fieldset[id].block input[type=radio]"))
    if (radio.name !== radio.closest("fieldset").id) radio.name = radio.closest("fieldset").id;
}).observe(document, { childList: true, subtree: true, attributeFilter: ["name"] });
</script>"""
