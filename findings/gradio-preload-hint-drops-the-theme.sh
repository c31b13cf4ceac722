#!/bin/sh
# A preload hint for a Gradio page's own theme.css leaves the page without its theme.
#
# Version:   gradio 6.31.0, playwright 1.65.2 with the system's Chromium, Python 3.11 on Linux
# Guess:     <link rel="preload" as="style" href=".../theme.css?v=..."> only fetches the file earlier; the style sheet is added
#            as before, and comes out of the cache.
# Behaviour: before it adds a style sheet, the front end looks for any <link> with that address, whatever its rel, and
#            takes it for the style sheet: the theme's is then never added. Nothing is said; the variables that the
#            components' styles use are all empty, so that fonts, colours, borders and distances are the browser's.
#            The loader of its scripts, Vite's, looks at rel before it takes a style sheet for loaded.
# Remedy:    <link rel="stylesheet"> with the same address in the page's head instead: it is fetched as early, and counts.
# Output:    as it is: theme.css is a style sheet, --body-text-size is set
#            preload: theme.css is no style sheet, --body-text-size is empty
#            stylesheet: theme.css is a style sheet, --body-text-size is set
#
# Exits with 1 when one of the three lines differs.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
browser=$(command -v chromium-headless-shell || command -v chromium || command -v chromium-browser || command -v google-chrome)
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check gradio==6.31.0 playwright==1.65.2
cat > "$folder/hint.py" <<'CODE'
import sys

import gradio as gr
from playwright.sync_api import sync_playwright

with gr.Blocks(analytics_enabled=False) as page:
    gr.Markdown("A page.")
_, address, _ = page.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, ssr_mode=False)
theme = f"{address.rstrip('/')}/theme.css?v={page.theme_hash}"
HINTS = {
    "as it is": "",
    "preload": f'<link rel="preload" as="style" href="{theme}">',
    "stylesheet": f'<link rel="stylesheet" href="{theme}">',
}
LOOK = """() => [
    [...document.styleSheets].some((sheet) => sheet.href?.includes("theme.css")),
    getComputedStyle(document.querySelector(".gradio-container")).getPropertyValue("--body-text-size") !== "",
]"""
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=sys.argv[1], args=["--no-sandbox"])
    for name, hint in HINTS.items():
        window = browser.new_page()
        answer = window.request.get(address)
        html = answer.text().replace("</head>", f"{hint}</head>", 1)
        window.route(address, lambda route: route.fulfill(response=answer, body=html))
        window.goto(address)
        window.get_by_text("A page.").wait_for()
        sheet, size = window.evaluate(LOOK)
        print(f"{name}: theme.css is {'a' if sheet else 'no'} style sheet, --body-text-size is {'set' if size else 'empty'}")
        window.close()
    browser.close()
page.close(verbose=False)
CODE
"$folder/venv/bin/python" "$folder/hint.py" "$browser" > "$folder/seen"
cat "$folder/seen"
cat > "$folder/expected" <<'LINES'
as it is: theme.css is a style sheet, --body-text-size is set
preload: theme.css is no style sheet, --body-text-size is empty
stylesheet: theme.css is a style sheet, --body-text-size is set
LINES
cmp -s "$folder/seen" "$folder/expected"
