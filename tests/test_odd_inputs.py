"""Whatever is sent: one sentence, the right status, and nothing in the log but a line. Found by trying (hypothesis)."""

from __future__ import annotations

import contextlib
import io
import json
import re

import pytest
from conftest import EXAMPLES
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from test_serving import FILE, Site, one_sentence, photo, site  # noqa: F401  # a fixture

from resnet_demo.cli.main import main

NAMES = ("image", "task", "depth", "top_k", "target", "region", "depths", "nothing", "")
ENDPOINTS = ("classify", "keypoints", "compare", "embed", "nothing", "../config", "%00")
PATHS = ("queue/join", "call/classify", "component_server", "upload", "cancel", "reset", "run/classify")
TOOLS = ("classify", "keypoints", "compare", "embed", "nothing", "")
SENSIBLE = ("flowers102", "faces68", "imagenet1k", 18, 50, [18], "all", "mouth", "Rose", 5, "", None)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NUMBERS = st.one_of(st.integers(-(2**70), 2**70), st.floats(), st.sampled_from([0, -1, 1e400, 2**31, 18.5]))
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, TEXT, st.sampled_from(SENSIBLE))
VALUES = st.recursive(
    LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)), max_leaves=6
)
FILES = st.one_of(
    st.just("PHOTO"),
    st.builds(lambda path: {"path": path, "meta": FILE}, VALUES),
    st.builds(lambda url: {"url": url, "meta": FILE}, VALUES),
    st.sampled_from(["/etc/passwd", "data:image/png;base64,AAAA", "http://127.0.0.1/a", "file:///etc/passwd", "/"]),
    VALUES,
)
# The same inputs each time, and bounded by their number: all of it takes some seconds.
BOUNDED = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def uploaded(site):  # noqa: F811
    return {"path": site.upload("garden.jpg", photo()), "meta": FILE}


def check(answer: str, log: str) -> None:
    """An answer is a result, or one sentence; the log has no traceback."""
    if "event: complete" not in answer and "event_id" not in answer:
        one_sentence(answer)
    assert "Traceback" not in log


@BOUNDED
@given(name=st.sampled_from(ENDPOINTS), first=FILES, others=st.lists(VALUES, max_size=6))
def test_endpoints_by_position(site, uploaded, capfd, name, first, others):  # noqa: F811
    data = [uploaded if first == "PHOTO" else first, *others]
    status, text = site.request(f"/gradio_api/call/{name}", json.dumps({"data": data}).encode(), **JSON)
    if status == 200:
        text = site.request(f"/gradio_api/call/{name}/{json.loads(text)['event_id']}")[1]
    check(text, capfd.readouterr().err)


@BOUNDED
@given(
    name=st.sampled_from(ENDPOINTS), inputs=st.dictionaries(st.one_of(st.sampled_from(NAMES), TEXT), VALUES, max_size=5)
)
def test_endpoints_by_name(site, uploaded, capfd, name, inputs):  # noqa: F811
    content = json.dumps({"image": uploaded, **inputs}).encode()
    status, text = site.request(f"/gradio_api/call/v2/{name}", content, **JSON)
    if status == 200:
        text = site.request(f"/gradio_api/call/{name}/{json.loads(text)['event_id']}")[1]
    check(text, capfd.readouterr().err)


@BOUNDED
@given(
    path=st.sampled_from(
        ["queue/join", "call/classify", "component_server", "upload", "cancel", "reset", "run/classify"]
    ),
    content=st.one_of(st.binary(max_size=40), VALUES.map(lambda value: json.dumps(value).encode())),
)
def test_any_body(site, capfd, path, content):  # noqa: F811
    status, text = site.request(f"/gradio_api/{path}", content, **JSON)
    if status >= 400:
        one_sentence(text)
    assert "Traceback" not in capfd.readouterr().err


@BOUNDED
@given(name=st.sampled_from(TOOLS), inputs=st.dictionaries(st.one_of(st.sampled_from(NAMES), TEXT), VALUES, max_size=5))
def test_tools(site, capfd, name, inputs):  # noqa: F811
    content = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": inputs}}
    accept = {"Accept": "application/json, text/event-stream"}
    _, text = site.request("/gradio_api/mcp/", json.dumps(content).encode(), **JSON, **accept)
    (line,) = re.findall(r"^data: (.*)$", text, re.MULTILINE)
    result = json.loads(line).get("result")
    if result and result.get("isError"):
        one_sentence(json.dumps({"detail": result["content"][0]["text"]}))
    assert "Traceback" not in capfd.readouterr().err


def test_what_is_no_call_of_a_tool_is_one_line_in_the_log(site, caplog):  # noqa: F811
    content = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "classify", "arguments": 7}}
    accept = {"Accept": "application/json, text/event-stream"}
    _, text = site.request("/gradio_api/mcp/", json.dumps(content).encode(), **JSON, **accept)
    assert "Invalid request parameters" in text
    (line,) = [record.getMessage() for record in caplog.records if "validate" in record.getMessage()]
    assert "\n" not in line and "classify" not in line


JSON = {"Content-Type": "application/json"}
OPTIONS = ("--task", "--depth", "--top-k", "--device", "--overlays", "--format", "--out", "--tasks", "--weights")
WORDS = st.one_of(
    st.sampled_from(OPTIONS),
    st.sampled_from(("18", "19", "-1", "nan", "", ".", "/proc/nothing", "flowers102", "onnx", "cuda:9", str(EXAMPLES))),
    st.text("abc-=. \n", max_size=6),
)


@BOUNDED
@given(first=st.sampled_from(["predict", "export", "publish", "grow", "convert"]), words=st.lists(WORDS, max_size=5))
def test_options(site, tmp_path_factory, first, words):  # noqa: F811  # the page's small networks
    """Of the commands that need no data set."""
    arguments = [first, *words, *(["--dry-run"] if first == "publish" else [])]
    if first == "convert":
        arguments += ["--package", words[0] if words else "none"]
    errors, output = io.StringIO(), io.StringIO()
    streams = contextlib.redirect_stderr(errors), contextlib.redirect_stdout(output)
    with pytest.MonkeyPatch.context() as patch, streams[0], streams[1]:
        patch.chdir(tmp_path_factory.mktemp("odd"))
        try:
            status = main(arguments)
        except SystemExit as stop:
            status = stop.code
    assert status in (0, 2), (arguments, status)
    if status == 2:
        lines = [line for line in errors.getvalue().splitlines() if line.strip()]
        assert lines and "Traceback" not in errors.getvalue(), arguments
