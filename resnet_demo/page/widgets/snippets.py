"""The exact Python, curl and command line for what is on screen.

``{what}`` (class or region), ``{stage}``, ``{direction}`` and ``{page}`` (the page's own address) are filled in the
browser, which alone knows them.
"""

from __future__ import annotations

import json
import os
import shlex
from functools import singledispatch

from resnet_demo.inference import results

UPLOAD = """FILE=$(curl -s -F {file} {{page}}/gradio_api/upload | tr -d '[]"')
DATA='{{"data": [{{"path": "'$FILE'", "meta": {{"_type": "gradio.FileData"}}}}, {inputs}]}}'
EVENT=$(curl -s {{page}}/gradio_api/call/{name} -H "Content-Type: application/json" -d "$DATA" | cut -d'"' -f4)
curl -sN {{page}}/gradio_api/call/{name}/$EVENT"""


def snippets(result: results.Result) -> list[tuple[str, str]]:
    """(language, code) pairs that give this answer again."""
    photo, task, depth = os.path.basename(result.image or "photo.jpg"), result.task, result.depth
    command = f"python -m resnet_demo predict {shlex.quote(photo)} --task {shlex.quote(task)} --depth {depth}"
    load = f"import resnet_demo\n\npredict = resnet_demo.load({json.dumps(task)}, depth={depth})\n"
    python, curl, options = parts(result, photo)
    return [("Python", load + python), ("curl", curl), ("Shell", f"{command}{options} --json")]


@singledispatch
def parts(result: results.Result, photo: str) -> tuple[str, str, str]:
    """What differs between kinds of answers: the Python after loading, the curl, and the command line's options."""
    raise NotImplementedError


@parts.register
def _(result: results.Prediction, photo: str) -> tuple[str, str, str]:
    count = len(result.top_k)
    python = f"result = predict({json.dumps(photo)}, top_k={count})\nprint(result.top_k)\n"
    python += 'heat = result.cam("{what}", layer="{stage}")'
    curl = call("classify", photo, f'"{result.task}", {result.depth}, {count}, "{{what}}"')
    return python, curl, f" --top-k {count}"


@parts.register
def _(result: results.FacesPrediction, photo: str) -> tuple[str, str, str]:
    python = f"result = predict({json.dumps(photo)})\nfor face in result.faces:\n"
    python += (
        '    print(face.box, face.keypoints)\nheat = result.cam("{what}", direction="{direction}", layer="{stage}")'
    )
    return python, call("keypoints", photo, f'{result.depth}, "{{what}}", "{result.task}"'), ""


def call(name: str, photo: str, inputs: str) -> str:
    """Upload, call and read the answer, as Gradio's HTTP interface wants it."""
    return UPLOAD.format(name=name, file=shlex.quote(f"files=@{photo}"), inputs=inputs)
