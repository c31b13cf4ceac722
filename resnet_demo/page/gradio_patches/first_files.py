"""The files that Gradio's front end needs to show a page, asked for at once and not one after another.

Seen in Gradio 6.31: its program learns only step by step what it has to load (the page, its entry, the program of
pages, the kinds of components), and then asks for a style sheet of each kind of component: some 80 requests of 1 kB in
six or so rounds. Over a slow line the rounds take longer than the bytes. So the page's first lines name the scripts,
and the components' style sheets come as one; those that it holds stand in the page as links that are off, which Vite's
loader takes for loaded (https://vite.dev/guide/features#async-chunk-loading-optimization).

A version of Gradio that builds its files another way is loaded as it would be without this; see
``tests/browser/test_first_visit.py``.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import gradio as gr
from starlette.responses import Response
from starlette.routing import Route

from resnet_demo.page.gradio_patches import page_template

ASSETS = Path(gr.__file__).parent / "templates" / "frontend" / "assets"
PAGE = ASSETS.with_name("index.html")
ENTRY = re.compile(r'<script type="module" crossorigin src="\./assets/([^"]+)">')
LISTED = re.compile(r"m\.f=\[([^\]]*)\]")  # the files that a script may ask for, at its beginning
LATER = r"import\([`'\"]\./({name}-[^`'\"]+\.js)[`'\"]\)[^\[]*?__vite__mapDeps\(\[([\d,]*)\]\)"
ELSEWHERE = re.compile(r"url\(\s*['\"]?(?!data:)|@import")  # what a style sheet takes from beside its own place
BEGINNING = '<meta charset="utf-8" />'


@dataclass(frozen=True)
class FirstFiles:
    """What the front end loads before the page shows.

    Attributes:
        scripts: names in ``ASSETS``, those that are needed first at the beginning.
        early: style sheets of the front end itself.
        late: style sheets of its pages and their components.
    """

    scripts: tuple[str, ...] = ()
    early: tuple[str, ...] = ()
    late: tuple[str, ...] = ()

    def style(self) -> str:
        """The late style sheets as one."""
        return "\n".join((ASSETS / name).read_text("utf-8") for name in self.late)


def of(kinds: Collection[str]) -> FirstFiles:
    """The files for a page with components of these kinds, by Gradio's names such as ``html`` or ``tabitem``."""
    entry = ENTRY.search(PAGE.read_text("utf-8"))
    if not entry:
        return FirstFiles()
    first = [entry[1], *listed(entry[1])]
    pages = [name for script in first if script.endswith(".js") for name in needed(script, LATER.format(name="Blocks"))]
    parts = [
        name
        for script in first
        if script.startswith("core-")
        for kind in sorted(kinds)
        for name in component(script, kind)
    ]
    everything = list(dict.fromkeys([*first, *pages, *parts]))
    sheets = [name for name in everything if name.endswith(".css")]
    late = [name for name in sheets if name not in first and not ELSEWHERE.search((ASSETS / name).read_text("utf-8"))]
    return FirstFiles(
        tuple(name for name in everything if name.endswith(".js")),
        tuple(name for name in sheets if name in first),
        tuple(late),
    )


def listed(script: str) -> list[str]:
    """The files that a script may ask for, in the order of their numbers there."""
    found = LISTED.search((ASSETS / script).read_text("utf-8"))
    return re.findall(r'"\./([^"]+)"', found[1]) if found else []


def needed(script: str, pattern: str) -> list[str]:
    """A script that another one loads later, found by a pattern such as ``LATER``, with what has to be there before."""
    found = re.search(pattern, (ASSETS / script).read_text("utf-8"))
    if not found:
        return []
    files = listed(script)
    numbers = [int(number) for number in found[2].split(",") if number]
    return [found[1], *(files[number] for number in numbers if number < len(files))]


def component(script: str, kind: str) -> list[str]:
    """The same for the component of a kind."""
    return needed(
        script, rf"[,{{]{re.escape(kind)}:\{{[^{{}}]*?component:\(\)=>\w+\(\(\)=>" + LATER.format(name=r"[\w-]+?")
    )


def ask_early(page: gr.Blocks) -> list[Route]:
    """Let the page's HTML ask for the first files → the route of the one style sheet."""
    components = page.get_config_file()["components"]
    files = of({part["type"] for part in components if part["props"].get("visible") is not False})
    style = files.style()
    name = f"components-{sha256(style.encode()).hexdigest()[:16]}.css"
    page_template.change(__name__, lambda source: with_files(source, files, name))
    return [Route(f"/{name}", lambda _: Response(style, media_type="text/css"))]


def with_files(source: str, files: FirstFiles, name: str) -> str:
    """Gradio's page, asking for the files in its first lines.

    The styles come in the order in which Gradio's front end adds them, as the last one counts: its entry's, its own,
    the theme's, the components', and ours, which it adds to these.
    """
    styles = [f'crossorigin href="./assets/{sheet}"' for sheet in files.early]
    # By Gradio's own address for it, and no preload alone: findings/gradio-preload-hint-drops-the-theme.sh.
    styles.append('href="{{ config.root }}/theme.css?v={{ config.theme_hash }}"')
    styles += [f'href="./{name}"'] if files.late else []
    asked = [f'<link rel="modulepreload" crossorigin href="./assets/{script}">' for script in files.scripts]
    asked[1:1] = [f'<link rel="preload" as="style" {style}>' for style in styles]
    sheets = [f'<link rel="stylesheet" {style}>' for style in styles]
    sheets += [f'<link rel="stylesheet" crossorigin href="./assets/{sheet}" disabled>' for sheet in files.late]
    source = source.replace(BEGINNING, "".join([BEGINNING, *asked]), 1)
    return source.replace("</head>", "".join([*sheets, "</head>"]), 1)
