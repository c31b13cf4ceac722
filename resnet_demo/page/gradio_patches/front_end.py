"""What our style sheet and scripts take for granted of Gradio's front end: its own class names and test ids.

Seen in Gradio 6.31. None of it is documented, and a style that finds nothing is silent. So each selector stands here
once, with what it is for; ``tests/browser/test_gradio_selectors.py`` looks for all of them on the running page.
"""

from __future__ import annotations

# Selector → what of ours depends on it (``theme.CSS`` unless a script is named).
SELECTORS = {
    ".gradio-container": "the page's width",
    ".gradio-container > .main > .wrap": "the page may be narrower than its contents",
    ".gradio-container main > .column": "the same",
    ".gradio-container .html-container": "no padding round our own HTML",
    ".tabs": "the tabs may be narrower than their contents",
    ".tabitem > .column": "the same",
    '[role="tab"][aria-selected="true"]': "the chosen tab's colour in the dark theme",
    ".columns > .column": "two columns, which on a phone are one",
    "footer .divider": "no bars between the links of the foot",
    ".tabs > .tab-wrapper .tab-container.wrap button": "tabs beside the title, in one line",
    "#tab-compare-button": "scripts open a tab by its button (``settings``)",
    ".tabitem": "the tab's own space, and where a photo is dropped",
    ".ask > .form .block": "task and depth stand in the line of the photo",
    ".ask .container > .wrap": "the list of tasks beside its name",
    ".ask .depths .selected": "the chosen depth",
    ".ask [data-testid='block-info']": "names of controls in the line",
    ".viewer-holder > .html-container": "on a phone the picture and its knobs are apart (``theme.CSS``)",
    "fieldset[id].block input[type=radio]": "radios of one group (``radio_groups``)",
    ".note-holder [data-testid='status-tracker']": "Gradio's word Error stays away from our line of words",
    "[data-testid='status-tracker'].hidden": "no seconds where no progress is shown",
    ".details .label-wrap": "folded data is large enough to tap",
    ".depths .wrap label": "depths in one row; those without weights are dimmed",
    'input[type="range"]': "the part of a slider that is still to go",
}
# The camera's is there only while it is on, and the button for further files only once there are some.
ON_DEMAND = {
    "button:has(> div > button)": "one button for further files, see ``upload_button``",
}
