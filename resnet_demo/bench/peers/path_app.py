"""What Gradio itself costs: a photo's path in and the same path out, nothing decoded, nothing encoded.

A program of its own that ``servers`` starts as a file, as ``nothing_app`` is.
"""

import gradio as gr


def answer(photo):
    return {"Rose": 1.0}, photo


with gr.Blocks(analytics_enabled=False) as app:
    photo = gr.Image(type="filepath", image_mode=None)
    outputs = [gr.Label(), gr.Image(type="filepath", format="jpeg")]
    photo.change(answer, photo, outputs, api_name="answer")

if __name__ == "__main__":
    app.launch()
