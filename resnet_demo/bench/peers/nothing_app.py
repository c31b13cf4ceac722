"""The do-nothing app: a photo in, always the same label and the photo out, with all of Gradio's defaults.

It is a program of its own that ``servers`` starts as a file, and nothing imports it: so the page stays the only folder
that imports Gradio.
"""

import gradio as gr

SCORES = {"Rose": 0.9, "Daisy": 0.04, "Tulip": 0.03, "Iris": 0.02, "Dahlia": 0.01}


def answer(photo):
    return SCORES, photo


with gr.Blocks() as app:
    photo = gr.Image(elem_id="photo")
    label = gr.Label(elem_id="label")
    picture = gr.Image(elem_id="picture")
    photo.change(answer, photo, [label, picture], api_name="answer")

if __name__ == "__main__":
    app.launch()
