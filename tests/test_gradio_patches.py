"""Each reach into Gradio's inside does what it is for, and says where to look where Gradio has changed. That it writes
no stub files, ``test_app`` looks at."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import gradio as gr
import pytest
from conftest import ROOT
from gradio.context import LocalContext
from gradio_client import Client

from resnet_demo.page.gradio_patches import (
    api_description,
    event_data,
    fewer_threads,
    file_cache,
    leaving,
    mcp_input,
    mcp_output,
    missing_inputs,
    one_app,
    preprocess,
    queue_wakes,
    running_event,
    translation_marks,
)
from resnet_demo.page.gradio_patches.reach import inside

FOLDER = ROOT / "resnet_demo" / "page" / "gradio_patches"
# Those that only a served page or a browser shows → where.
ELSEWHERE = {
    "api_calls": "test_serving.py::test_odd_inputs_are_one_sentence",
    "compressed_page": "test_serving.py::test_the_page_and_what_describes_it_travel_compressed",
    "first_files": "browser/test_first_visit.py::test_everything_is_asked_for_at_once_and_once",
    "front_end": "browser/test_gradio_selectors.py::test_every_selector_finds_its_element",
    "light_sessions": "test_serving.py::test_sessions_of_curl_are_gone_with_their_answer",
    "link_preview": "test_serving.py::test_a_link_shows_the_pages_own_title_sentence_and_picture",
    "mcp_errors": "test_mcp.py::test_trouble_is_one_sentence",
    "mcp_threads": "test_mcp.py::test_more_calls_at_once_than_there_are_threads_are_all_answered",
    "no_endpoint": "test_serving.py::test_what_cannot_be_answered_is_one_sentence_and_one_line",
    "no_stubs": "test_app.py::"
    "test_building_the_page_imports_neither_torch_nor_openvino_and_gradio_writes_no_stub_files",
    "page_template": "test_serving.py::test_a_link_shows_the_pages_own_title_sentence_and_picture",
    "radio_groups": "browser/test_accessible.py::"
    "test_the_tab_key_is_seen_wherever_it_stops_and_does_so_once_in_a_group",
    "server_config": "test_serving.py::test_connections_that_say_nothing_are_closed",
    "temp_files": "test_serving.py::test_after_an_hour_nothing_of_any_visitor_is_left",
    "upload_button": "browser/test_accessible.py::test_axe_finds_nothing_serious_in_any_tab",
}


@contextmanager
def launched(page: gr.Blocks, mcp_server: bool = False) -> Iterator[str]:
    """The address of a page that answers within."""
    options = {"prevent_thread_lock": True, "quiet": True, "ssr_mode": False}
    _, address, _ = page.launch(server_name="127.0.0.1", mcp_server=mcp_server, **options)
    try:
        yield address
    finally:
        page.close()


def test_what_gradio_has_no_more_is_said_with_version_and_file():
    with pytest.raises(RuntimeError, match=rf"Gradio {gr.__version__} has no feel in Image, on which here relies"):
        inside(gr.Image(), "feel", "here")


def test_every_reach_says_in_which_version_it_was_seen():
    for path in sorted(FOLDER.glob("*.py")):
        if path.name not in ("__init__.py", "reach.py"):
            assert "Gradio 6." in path.read_text(encoding="utf-8"), f"{path.name} does not name a version"


def test_every_reach_has_a_test():
    # Those that this file imports are tested here.
    assert ELSEWHERE.keys() == {path.stem for path in FOLDER.glob("*.py")} - {"__init__", "reach"} - globals().keys()
    for place in ELSEWHERE.values():
        file, _, name = place.partition("::")
        assert f"def {name}(" in (ROOT / "tests" / file).read_text(encoding="utf-8"), place


def test_several_visitors_leave_at_once():
    with gr.Blocks() as page:
        leaving.on_leaving(page, lambda: None, 3)
    (function,) = page.fns.values()
    assert function.concurrency_limit == 3


def test_a_components_value_is_what_we_read():
    radio = preprocess.read_with(gr.Radio(["a", "b"]), lambda value: f"read {value}")
    assert radio.preprocess("neither") == "read neither"  # Gradio's own check would refuse it.
    with pytest.raises(gr.Error):
        gr.Radio(["a", "b"]).preprocess("neither")


def test_endpoints_describe_inputs_as_we_do():
    schema, example = {"type": "integer", "title": "Depth"}, {"path": "https://example.com/photo.jpg"}
    with gr.Blocks() as page:
        depth, photo = gr.Radio(["18", "34"]), gr.Image(type="filepath")
        api_description.describe(depth, schema)
        api_description.describe(photo, example=example)
        gr.Button().click(lambda *_: None, [depth, photo], None, api_name="look")
    api_description.describe_page(page, lambda described: {**described, "changed": True})
    described = page.get_api_info()
    first, second = described["named_endpoints"]["/look"]["parameters"]
    assert first["type"] == schema and second["example_input"] == example
    assert described["changed"]


def test_inputs_that_are_left_out_are_filled_in():
    with gr.Blocks() as page:
        depth = gr.Number(50)
        button = gr.Button()
        button.click(lambda number: number, [depth], [depth])
    missing_inputs.fill_with(page, lambda function, inputs: inputs.extend([7] * (len(function.inputs) - len(inputs))))
    function = next(iter(page.fns.values()))
    inputs: list = []
    page.validate_inputs(function, inputs)
    assert inputs == [7]


def test_photos_of_mcp_clients_stay_as_they_were_sent():
    with gr.Blocks() as page:
        gr.Button().click(lambda image: None, [gr.Image(type="filepath")], None, api_name="look")
    with launched(page, mcp_server=True):
        mcp_input.leave_photos(page)
        sent = {"image": "neither an address nor a data URL"}
        assert page.mcp_server_obj.convert_strings_to_filedata(sent, [["image"]]) == sent


def test_a_page_has_one_server_and_that_is_the_launched_one():
    with one_app.later():
        with gr.Blocks() as page:
            gr.Button().click(lambda: 5, None, gr.Number(), api_name="five")
        page.queue()
        assert page.app is None
    with launched(page) as address:
        assert Client(address, verbose=False).predict(api_name="/five") == 5
    with gr.Blocks() as other:
        pass
    assert other.app is not None


def test_a_queue_that_rests_is_woken_by_an_event_and_by_the_end_of_another():
    with gr.Blocks() as page:
        number = gr.Number()
        gr.Button().click(lambda value: value + 1, [number], [number], api_name="add", concurrency_limit=1)
    page.queue()
    queue_wakes.let_rest(page, longest=1000)  # Nobody who has to wait for that has an answer in time.
    with launched(page) as address:
        client = Client(address, verbose=False)
        jobs = [client.submit(value, api_name="/add") for value in range(5)]  # One at a time, the others wait.
        assert [job.result(timeout=100) for job in jobs] == [1, 2, 3, 4, 5]


def test_addresses_pass_us_before_gradio_fetches_them(tmp_path):
    source = tmp_path / "photo.jpg"
    source.write_bytes((ROOT / "resnet_demo" / "examples" / "dahlia.jpg").read_bytes())
    asked = []

    async def bring(place):
        asked.append(place)
        return str(source)

    photo = file_cache.bring_with(gr.Image(type="filepath"), bring)
    with ThreadPoolExecutor(1) as other:  # Playwright keeps an event loop in this thread.
        moved = photo.async_move_resource_to_block_cache("https://example.com/photo.jpg")
        kept = other.submit(asyncio.run, moved).result()
    assert asked == ["https://example.com/photo.jpg"]
    assert Path(kept).is_relative_to(file_cache.folder(photo)) and Path(kept).read_bytes() == source.read_bytes()


def test_the_running_event_is_known_and_so_is_building():
    assert running_event.headers() is None and not running_event.building()
    token = LocalContext.request.set(gr.Request(headers={"Accept-Language": "zh"}))
    try:
        assert running_event.headers() == {"accept-language": "zh"}
    finally:
        LocalContext.request.reset(token)
    with gr.Blocks():
        assert running_event.building()
    assert not running_event.building()


def test_without_gradio_there_is_no_event_and_nobody_imports_it():
    code = (
        "import sys; from resnet_demo.page.gradio_patches import running_event as r;"
        "print(r.headers(), r.building(), 'gradio' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["None", "False", "False"]


def test_an_event_carries_what_the_browser_sent():
    assert event_data.sent(gr.EventData(None, {"value": "Dahlia"})) == {"value": "Dahlia"}


def test_marks_stand_in_texts_and_programs_get_words():
    text = f"<b>{translation_marks.mark('tab_flowers')}</b> {translation_marks.mark('unknown')}"
    words = translation_marks.unmark(text, {"tab_flowers": "Classify"}.get)
    assert words.startswith("<b>Classify</b> __i18n__") and "unknown" in words


def test_tools_answer_with_pictures_and_json():
    picture = {"path": "a.jpg", "meta": {"_type": "gradio.FileData"}}
    assert list(mcp_output.parts([{"label": "Dahlia"}, picture])) == ['{"label": "Dahlia"}', picture]
    assert list(mcp_output.parts([[{"caption": "18", "image": picture}]])) == ["18", picture]


def test_only_what_takes_long_gets_a_thread(monkeypatch):
    """Inputs and outputs of an event that are read in microseconds stay on the event loop; pictures and functions do
    not."""
    import threading

    seen = {}

    def note(place: str, component: gr.components.Component, way: str):
        keep = getattr(component, way)

        def noted(value):
            seen[place] = threading.current_thread()
            return keep(value)

        return noted

    plain = gr.Radio.preprocess

    def read(radio: gr.Radio, payload):
        seen["radio"] = threading.current_thread()
        return plain(radio, payload)

    monkeypatch.setattr(gr.Radio, "preprocess", read)

    def look(*_):
        seen["function"] = threading.current_thread()
        return {}, None

    with gr.Blocks() as page:
        radio, photo = gr.Radio(["a"]), preprocess.read_with(gr.Image(), lambda _: None)
        text, gallery = gr.JSON(), gr.Gallery()
        gallery.postprocess = note("gallery", gallery, "postprocess")
        gr.Button().click(look, [radio, photo], [text, gallery])
    fewer_threads.save()
    [function] = page.fns.values()

    def run() -> threading.Thread:
        asyncio.run(page.process_api(function, ["a", None]))
        return threading.current_thread()

    with ThreadPoolExecutor(1) as other:  # Playwright keeps an event loop in this thread.
        loop = other.submit(run).result()
    assert seen["radio"] is loop
    assert seen["function"] is not loop and seen["gallery"] is not loop


def test_looking_whether_a_visitor_is_logged_in_takes_no_thread(monkeypatch):
    from gradio.routes import App
    from starlette.testclient import TestClient

    with gr.Blocks() as page:
        gr.Textbox()
    fewer_threads.save()
    threads = []
    in_thread = fewer_threads._in_thread

    async def counted(function, *values, **named):
        threads.append(function)
        return await in_thread(function, *values, **named)

    monkeypatch.setattr(fewer_threads, "_in_thread", counted)
    page.app = App.create_app(page)
    with TestClient(page.app) as client:
        assert client.get("/config").status_code == 200
    assert threads == []
