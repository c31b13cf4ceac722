"""English and Chinese: nothing is missing in either, the right one is chosen, and programs get English."""

from __future__ import annotations

import ast
import csv
import json
import re
import string
import subprocess
import sys
from types import SimpleNamespace

import gradio as gr
import pytest
import tiny
from conftest import EXAMPLES, ROOT
from gradio.context import LocalContext

from resnet_demo import checkpoints, tasks
from resnet_demo.errors import Text, UserError
from resnet_demo.images import decode
from resnet_demo.models.state import check_state
from resnet_demo.page import app, catalog, endpoints
from resnet_demo.page.i18n import class_names, en, errors, errors_zh, language, zh
from resnet_demo.page.i18n import format as i18n_format
from resnet_demo.page.i18n import texts as i18n_texts
from resnet_demo.page.tabs import classify, compare
from resnet_demo.training.data.formats.cifar10 import CLASSES

# The folders below the page whose errors its visitors may meet.
BELOW = ("lab", "teach", "inference", "faces", "backends", "explain", "checkpoints", "images", "tasks", "models")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
def chinese():
    """An event of a visitor who reads Chinese runs."""
    token = LocalContext.request.set(SimpleNamespace(headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}))
    yield
    LocalContext.request.reset(token)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Random networks for both tasks, so that the page offers something."""
    with tiny.page_weights(tmp_path_factory, (tiny.FLOWERS, 18), (tiny.FACES, 18)) as root:
        yield root


def places(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


# --- The tables -------------------------------------------------------------------------------------------------------


def test_no_text_is_missing_in_either_language():
    assert en.EN.keys() - zh.ZH.keys() == set(), "without Chinese"
    assert zh.ZH.keys() - en.EN.keys() == set(), "without English"
    assert list(en.EN) == list(zh.ZH), "in another order"


@pytest.mark.parametrize("key", en.EN)
def test_a_text_has_the_same_places_and_tags_in_both_languages(key):
    english, chinese = en.EN[key], zh.ZH.get(key, "")
    assert places(english) == places(chinese)
    tags = re.compile(r"</?\w+[^>]*>|`[^`]*`")
    assert sorted(tags.findall(english)) == sorted(tags.findall(chinese))
    numbers = [re.findall(r"\d+", re.sub(r"\{.*?\}|<[^>]*>", "", text)) for text in (english, chinese)]
    assert set(numbers[0]) <= set(numbers[1])


def test_chinese_is_chinese():
    same = {"facts", "caption", "metric_nme", "metric_nme_plain", "percent", "on"}
    same |= {
        "lab_residual",
        "lab_trained_residual",
        "column_gflops",
        "card_gflops",
        "how_column_gflops",
        "separator",
        "says",
        "clause",
        "stop",
    }
    for key, text in zh.ZH.items():
        assert CHINESE.search(text) or key in same, key
        # Punctuation between two Chinese characters is Chinese.
        assert not re.search(r"[\u4e00-\u9fff] ?[,;:?!()]|[,;:?!()] ?[\u4e00-\u9fff]", text), key


# --- Which language ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("zh", "zh"),
        ("zh-Hans-CN", "zh"),
        ("zh-TW,en;q=0.5", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("en;q=0.5, zh;q=0.7", "zh"),
        ("fr-FR,fr;q=0.9", "en"),
        ("fr,zh;q=0.3", "zh"),
        ("de,zh;q=0", "en"),
        ("*", "en"),
        ("zh;q=much", "en"),
        ("", "en"),
    ],
)
def test_the_browsers_languages_decide(accepted, expected):
    assert language.of_request({"accept-language": accepted}) == expected


def test_a_choice_overrides_the_browser():
    chinese, cookie = {"accept-language": "zh-CN"}, f"{language.COOKIE}=en"
    assert language.of_request(chinese | {"cookie": cookie}) == "en"
    assert language.of_request({"cookie": f"a=b; {language.COOKIE}=zh; c=d"}) == "zh"
    assert language.of_request(chinese | {"cookie": cookie}, "a=1&language=zh") == "zh"
    assert language.of_request({"cookie": cookie, "referer": "https://a.hf.space/?language=zh"}) == "zh"
    for nonsense in ("language=xx", "language=", "language=<script>"):
        assert language.of_request(chinese, nonsense) == "zh"
    assert language.of_request({"cookie": f"{language.COOKIE}=xx; ="}) == "en"


def test_outside_of_an_event_it_is_english():
    assert i18n_texts.language() == "en"
    assert i18n_texts.say("no_photo") == i18n_texts.label("no_photo") == en.EN["no_photo"]


def test_an_event_is_answered_in_its_visitors_language(chinese):
    assert i18n_texts.language() == "zh"
    assert i18n_texts.label("no_photo") == zh.ZH["no_photo"]
    assert i18n_format.percent(0.125) == "12.5%"
    assert i18n_texts.say("faces_many", count=2, points=68) == "<b>2 张人脸</b>，每张 68 个关键点。"
    with pytest.raises(gr.Error, match="请先选择一张照片。"):
        endpoints.endpoint(classify.classify)(None, "flowers102", 18, 5, "")


# --- The page as it is built ------------------------------------------------------------------------------------------


def test_what_is_fixed_is_marked_and_every_mark_has_both_languages(weights):
    page = app.build()
    keys = set(
        re.findall(r'__i18n__\{[^}]*?\\"key\\": \\"(.*?)\\"\}', json.dumps(page.config["components"], default=str))
    )
    assert len(keys) > 30
    texts = i18n_texts.translations().translations_dict
    assert keys <= texts["en"].keys() & texts["zh-CN"].keys()
    assert texts["zh-CN"]["photo"] == zh.ZH["photo"]
    assert {texts["zh-CN"][key] for key in keys if key.startswith("text_")} >= {"月季（玫瑰）"}
    assert any("34、50、101、152 层" in text for text in texts["zh-CN"].values())


def visible(component: dict) -> list[str]:
    """The texts that a component shows before any event."""
    props, kind = component["props"], component["type"]
    texts = [props.get(name) for name in ("label", "info", "placeholder", "alt_text")]
    texts += props.get("headers") or []
    texts += [shown for shown, _ in props.get("choices") or []]
    texts += [props.get("value")] if kind in ("html", "markdown", "button", "textbox") else []
    return [text for text in texts if isinstance(text, str)]


def test_no_visible_english_is_fixed_in_the_page(weights):
    """All that a component shows before any event is a mark, a number, or the name of the other language."""
    for component in app.build().config["components"]:
        if component["props"].get("visible") is False:
            continue
        for text in visible(component):
            rest = re.sub(r"__i18n__\{.*?\}|<[^>]*>|ReLU", " ", text).strip()
            assert rest in tiny.FLOWERS.labels or not re.search("[A-Za-z]{2,}", rest), (component["type"], text)


def test_programs_read_english(weights):
    info = app.build().get_api_info()["named_endpoints"]
    labels = [part["label"] for endpoint in info.values() for part in endpoint["parameters"] + endpoint["returns"]]
    assert en.EN["photo"] in labels and en.EN["overlay"] in labels
    assert "__i18n__" not in json.dumps(info)
    assert not CHINESE.search(json.dumps(info, ensure_ascii=False))


def test_endpoints_give_english_labels_to_whoever_names_no_language(weights):
    photo = str(EXAMPLES / "dahlia.jpg")
    scores, _, details = classify.classify(photo, "flowers102", 18, 4, "")
    assert set(scores) == set(tiny.FLOWERS.labels)
    assert [score["label"] for score in details["top_k"]] == list(scores)


def test_answers_name_classes_in_chinese_and_details_in_english(weights, chinese):
    photo = str(EXAMPLES / "dahlia.jpg")
    scores, _, details = classify.classify(photo, "flowers102", 18, 4, "月季（玫瑰）")
    assert "月季（玫瑰）" in scores
    assert {score["label"] for score in details["top_k"]} == set(tiny.FLOWERS.labels)
    gallery = compare.compare(photo, "flowers102", [18])[0]
    assert gallery[0][1] == f"ResNet-18 · {next(iter(scores))}"


# --- Class names ------------------------------------------------------------------------------------------------------


def rows(task: str) -> list[dict[str, str]]:
    with (class_names.FOLDER / f"{task}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(("task", "count"), [("flowers102", 102), ("flowers5", 5), ("garden", 118)])
def test_every_class_has_its_own_chinese_name(task, count, monkeypatch):
    monkeypatch.delenv("RESNET_DEMO_WEIGHTS", raising=False)
    table = (rows("flowers102") if task == "garden" else []) + rows(task)
    assert len(table) == count
    assert all(class_names.chinese(task, row["label"]) == row["chinese"] for row in table)
    assert len({row["chinese"] for row in table}) == len({row["label"] for row in table}) == len(table)
    for row in table:
        assert CHINESE.search(row["chinese"]) and not re.search("[A-Za-z]", row["chinese"]), row
        assert re.fullmatch(r"[A-Z][a-z]+( (× )?[a-z-]+)?", row["latin"]), row
    if task in checkpoints.available():
        assert tuple(row["label"] for row in table) == checkpoints.spec(task).labels


def test_the_classes_of_cifar10_have_chinese_names():
    table = rows("cifar10")
    assert tuple(row["label"] for row in table) == CLASSES
    assert len({row["chinese"] for row in table}) == 10 and all(CHINESE.search(row["chinese"]) for row in table)


def test_a_name_is_shown_in_the_visitors_language(chinese):
    assert class_names.shown("flowers102", "Sunflower") == "向日葵"
    assert class_names.shown("imagenet1k", "tabby cat") == "tabby cat"
    assert class_names.shown("../flowers102", "x") == "x"
    assert class_names.latin("flowers5", "sunflower") == "Helianthus annuus"
    assert class_names.label_of("flowers102", "向日葵") == "Sunflower"
    assert class_names.label_of("flowers102", "sunflower") == "sunflower"
    assert class_names.label_of("flowers102", None) is None


def test_a_name_is_english_without_a_visitor():
    assert class_names.shown("flowers102", "Sunflower") == "Sunflower"
    assert class_names.chinese("flowers102", "Sunflower") == "向日葵"


def test_lists_of_depths_are_written_as_the_language_does(weights, chinese):
    assert catalog.depth_info("flowers102") == "34、50、101、152 层尚无权重。"
    assert catalog.no_weights("flowers102", 50) == "102 种花卉任务尚无 ResNet-50，其权重还有待训练。请选择 ResNet-18。"


# --- Errors from below the page ---------------------------------------------------------------------------------------


def template(call: ast.Call) -> str:
    """What a call's sentence is, as the tables write it: the names of its places alone."""
    text = call.args[0]
    return errors_zh.PLACE.sub(r"{\1}", str(text.value)) if isinstance(text, ast.Constant) else ""


def calls(tree: ast.AST, *wanted: str) -> list[ast.Call]:
    """Calls of functions by these names, of themselves or of a module."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    return [node for node in found if getattr(node.func, "id", getattr(node.func, "attr", "")) in wanted]


@pytest.mark.parametrize("folder", BELOW)
def test_every_sentence_from_below_the_page_has_a_translation(folder):
    parts = {english for table in errors_zh.PARTS.values() for english in table} | {""}
    for path in sorted((ROOT / "resnet_demo" / folder).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        sentences = {template(call) for call in calls(tree, "UserError", "NoSuchFile", "kind")}
        assert sentences - errors_zh.SENTENCES.keys() == set(), f"{path} says what errors_zh cannot translate"
        assert {template(call) for call in calls(tree, "Text")} - parts == set(), path


def test_every_reason_and_advice_of_the_hub_has_a_translation():
    tree = ast.parse((ROOT / "resnet_demo" / "checkpoints" / "hub.py").read_text(encoding="utf-8"))
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    known = errors_zh.PARTS["reason"].keys() | errors_zh.PARTS["advice"].keys()
    said = set()
    for name in ("_explain", "_explain_status"):
        for node in ast.walk(functions[name]):
            parts = node.elts if isinstance(node, ast.Tuple) else [node.value] if isinstance(node, ast.Assign) else []
            said |= {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}
    assert len(said) > 15
    assert said - known == set()


def test_every_translation_has_the_places_of_its_sentence():
    tables = [errors_zh.SENTENCES, *errors_zh.PARTS.values()]
    for english, chinese in [pair for table in tables for pair in table.items()]:
        assert places(english) == places(chinese), english


def trouble(action, *inputs) -> str:
    with pytest.raises(UserError) as caught:
        action(*inputs)
    return errors.sentence(caught.value)


def test_errors_are_said_in_chinese(weights, chinese, tmp_path):
    broken = tmp_path / "it's broken.jpg"
    broken.write_bytes((EXAMPLES / "dahlia.jpg").read_bytes()[:5000])
    said = [
        trouble(decode.open_photo, broken),
        trouble(decode.open_photo, tmp_path / "gone.jpg"),
        trouble(decode.open_photo, EXAMPLES / "dahlia.jpg", 1000),
        trouble(tasks.region_points, "ears"),
        trouble(tasks.class_index, tiny.FLOWERS, "Rosa"),
        trouble(checkpoints.find, "birds", 18),
        trouble(checkpoints.find, "flowers102", 20),
    ]
    assert said[0] == "文件“it's broken.jpg”不完整或已损坏：请重新保存或下载，或另选一张图片。"
    assert said[2] == "文件“dahlia.jpg”太大（640 × 427 像素）：请选择不超过 0.001 百万像素的图片。"
    assert said[3] == "没有名为“ears”的面部区域：请从 all、jaw、brows、nose、eyes、mouth 中选择。"
    assert said[4] == "flowers102 中没有类别“Rosa”。您是指“Rose”吗？"
    assert said[5] == "任务“birds”没有权重：请选择 faces68 或 flowers102。"
    assert all(CHINESE.search(sentence) for sentence in said)


def test_sentences_within_sentences_are_translated(chinese):
    place = Text("the Hub at {place} cannot be reached", place="https://huggingface.co")
    fetch, again = Text("fetch {source}", source="a/b"), Text("in {seconds} seconds", seconds=30)
    asked = Text("try again {when}, or log in for a higher limit", when=again)
    cannot = "Cannot {what}, {reason}: {advice}."
    often = "the Hub is asked too often from here"
    for error, english, expected in (
        (
            UserError(cannot, what=fetch, reason=place, advice="check the network and try again"),
            "Cannot fetch a/b, the Hub at https://huggingface.co cannot be reached: check the network and try again.",
            "无法获取 a/b，无法连接位于 https://huggingface.co 的 Hub：请检查网络后重试。",
        ),
        (
            UserError(cannot, what=fetch, reason=often, advice=asked),
            "Cannot fetch a/b, the Hub is asked too often from here: try again in 30 seconds, or log in for a higher "
            "limit.",
            "无法获取 a/b，从这里向 Hub 发出的请求过于频繁：请在 30 秒后重试，或登录以提高限额。",
        ),
        (UserError("Something {nobody} foresaw."), "Something {nobody} foresaw.", "Something {nobody} foresaw."),
    ):
        assert str(error) == english
        assert errors_zh.translate(error.text) == expected


def test_what_a_checkpoint_lacks_is_said_in_chinese(chinese):
    state = tiny.random_state(18, 4)
    odd = {key: value for key, value in state.items() if not key.startswith(("fc", "layer4"))} | {"a": state["fc.bias"]}
    said = trouble(check_state, odd, 18, 4, "x")
    assert said.startswith("x 与有 4 个输出的 ResNet-18 不符：缺少 layer4.0.conv1.weight、layer4.0.bn1.weight、")
    assert re.search(r" 及另外 \d+ 个；多出 a。$", said)


def test_errors_stay_english_without_a_visitor(tmp_path):
    assert trouble(decode.open_photo, tmp_path / "gone.jpg").startswith("There is no file '")


def test_the_terminals_sentences_do_not_wait_for_gradio():
    code = "import sys; from resnet_demo.page.i18n.texts import say; print(say('no_photo'), 'gradio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.stdout.strip() == f"{en.EN['no_photo']} False", done.stderr
