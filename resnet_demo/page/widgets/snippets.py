"""The exact Python, curl and command line for what is on screen.

``{what}`` (class or region), ``{how}`` (stage or direction) and ``{page}`` (the page's own address) are filled in the
browser, which alone knows them.
"""

from __future__ import annotations

import json
import os
import shlex

from resnet_demo.inference import results

UPLOAD = """FILE=$(curl -s -F {file} {{page}}/gradio_api/upload | tr -d '[]"')
DATA='{{"data": [{{"path": "'$FILE'", "meta": {{"_type": "gradio.FileData"}}}}, {inputs}]}}'
EVENT=$(curl -s {{page}}/gradio_api/call/{name} -H "Content-Type: application/json" -d "$DATA" | cut -d'"' -f4)
curl -sN {{page}}/gradio_api/call/{name}/$EVENT"""


def snippets(result: results.Prediction | results.FacesPrediction) -> list[tuple[str, str]]:
    """(language, code) pairs that give this answer again."""
    photo, task, depth = os.path.basename(result.image or "photo.jpg"), result.task, result.depth
    file = shlex.quote(f"files=@{photo}")
    command = f"python -m resnet_demo predict {shlex.quote(photo)} --task {shlex.quote(task)} --depth {depth}"
    load = f"import resnet_demo\n\npredict = resnet_demo.load({json.dumps(task)}, depth={depth})\n"
    if isinstance(result, results.Prediction):
        count = len(result.top_k)
        python = f"result = predict({json.dumps(photo)}, top_k={count})\nprint(result.top_k)\n"
        python += 'heat = result.cam("{what}", layer="{how}")'
        curl = call("classify", file, f'"{task}", {depth}, {count}, "{{what}}"')
        command += f" --top-k {count}"
    else:
        python = f"result = predict({json.dumps(photo)})\nfor face in result.faces:\n"
        python += '    print(face.box, face.keypoints)\nheat = result.cam("{what}", direction="{how}")'
        curl = call("keypoints", file, f'{depth}, "{{what}}", "{task}"')
    return [("Python", load + python), ("curl", curl), ("Shell", command + " --json")]


def call(name: str, file: str, inputs: str) -> str:
    """Upload, call and read the answer, as Gradio's HTTP interface wants it."""
    return UPLOAD.format(name=name, file=file, inputs=inputs)
