"""A tab of somebody's own, all in one file: a word, said back as often as one likes."""

import gradio as gr

from resnet_demo.page.i18n.texts import label, say
from resnet_demo.page.tabs.registry import tab
from resnet_demo.page.widgets.inputs import PRIVATE

ENGLISH = {
    "tab_echo": "Echo",
    "echo_word": "A word",
    "echo_times": "How often",
    "echo_said": "The echo says: {words}",
}
CHINESE = {
    "tab_echo": "回声",
    "echo_word": "一个词",
    "echo_times": "次数",
    "echo_said": "回声说：{words}",
}


def echo(word: str, times: int) -> str:
    return say("echo_said", words=" ".join([word] * times))


@tab("echo", english=ENGLISH, chinese=CHINESE)
def build():
    word = gr.Textbox(label=label("echo_word"), elem_id="echo-word")
    times = gr.Slider(1, 5, 2, step=1, label=label("echo_times"), elem_id="echo-times")
    said = gr.Textbox(show_label=False, elem_id="echo-said")
    gr.on([word.change, times.change], echo, [word, times], said, **PRIVATE)
    return {"word": word, "times": times}
