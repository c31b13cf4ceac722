"""The model card of a checkpoint (https://huggingface.co/docs/hub/model-cards), all figures out of its evaluation."""

from __future__ import annotations

from resnet_demo.tasks import TITLES, TaskSpec
from resnet_demo.training.evaluation import Evaluation

DATA = {
    "flowers102": {
        "about": "Oxford 102 Flowers (Nilsback and Zisserman 2008), the official split: 1,020 / 1,020 / 6,149 pictures",
        "licence": "The pictures are for research; the weights are given for the same use.",
        "limits": "It knows 102 flowers common in Britain and nothing else: every photo gets one of these names, also "
        "one that shows no flower. Tulips and many other garden flowers are not among them.",
        "metadata": "nelorth/oxford-flowers",
    },
    "flowers5": {
        "about": "daisy, dandelion, rose, sunflower, tulip (the Kaggle set), near-duplicates removed: "
        "2,561 / 427 / 640 pictures",
        "licence": "The pictures have no stated licence.",
        "limits": "It knows five flowers and nothing else.",
        "metadata": None,
    },
    "faces68": {
        "about": "68 iBUG landmarks: 300-W's LFPW and HELEN training pictures (1,675) and frames of the YouTube Faces "
        "set from Udacity's facial keypoints project, split by person (2,714 / 353 / 673); 300-W's AFW (337) is only "
        "tested on",
        "licence": "300-W and YouTube Faces are for research; the weights are given for the same use.",
        "limits": "Profiles, small faces and covered faces are less exact than the figures say. The "
        "jaw line of Udacity's frames follows another convention than 300-W's, which the error on them contains. The "
        "training faces are mostly of adult celebrities; no figure by age, sex or skin tone was measured. Not for "
        "telling who somebody is.",
        "metadata": None,
    },
}
METRIC_NAMES = {"top1": "top-1 accuracy", "top5": "top-5 accuracy"}


def metric_name(key: str) -> str:
    """``nme_afw`` → ``NME, afw``."""
    return METRIC_NAMES.get(key) or f"NME, {key.removeprefix('nme_')}"


TABLE_HEAD = """\
| task | depth | metric | value | 95 % interval | pictures | missed |
| --- | --- | --- | --- | --- | --- | --- |"""


def table_rows(task: str, depth: int, metrics: dict[str, dict[str, float]]) -> str:
    """Markdown rows, under ``TABLE_HEAD``, of metrics with sample sizes and 95 % intervals."""
    lines = []
    for key, record in metrics.items():
        missed = f"{record['missed']:.0f}" if "missed" in record else "–"
        interval = f"{record['low']:.2f} to {record['high']:.2f} %"
        value = f"{record['value']:.2f} % | {interval} | {record['n']:,.0f} | {missed}"
        lines.append(f"| {task} | {depth} | {metric_name(key)} | {value} |")
    return "\n".join(lines)


def model_card(spec: TaskSpec, depth: int, evaluation: Evaluation, recipe: dict, commands: dict[str, str]) -> str:
    """The whole card: metadata, start, data, commands, metrics, confusions and limits."""
    data = DATA.get(spec.name, {"about": "the user's own pictures", "licence": "", "limits": "", "metadata": None})
    head = ["---", "license: other", "license_name: research-only", "library_name: resnet-demo"]
    head.append(f"pipeline_tag: {'image-classification' if spec.labels else 'keypoint-detection'}")
    head += [f"tags: [resnet, resnet{depth}, grad-cam]"]
    if data["metadata"]:
        head.append(f"datasets: [{data['metadata']}]")
    title = TITLES.get(spec.name, spec.name)
    settings = "\n".join(f"| `{key}` | `{value}` |" for key, value in recipe.items())
    parts = [
        "\n".join([*head, "---"]),
        f"# ResNet-{depth}: {title}",
        f"Task `{spec.name}`, input {spec.size} × {spec.size} pixels, stored as 8-bit integers per output channel.",
        f"**Started from** {commands['start']}.",
        f"**Data**: {data['about']}. {data['licence']}",
        f"## Accuracy\nOf the stored 8-bit file, on pictures that it was not trained on (split `{commands['split']}`), "
        f"by\n\n```sh\n{commands['evaluate']}\n```\n\n{TABLE_HEAD}\n{table_rows(spec.name, depth, evaluation.metrics)}",
    ]
    if evaluation.confusions:
        rows = "\n".join(f"| {true} | {found} | {count} |" for true, found, count in evaluation.confusions)
        parts.append(f"Most frequent mistakes:\n\n| is | taken for | times |\n| --- | --- | --- |\n{rows}")
        rows = "\n".join(f"| {name} | {right} of {shown} |" for name, right, shown in evaluation.worst)
        parts.append(f"Least accurate classes:\n\n| class | right |\n| --- | --- |\n{rows}")
    if any(key.startswith("nme") for key in evaluation.metrics):
        parts.append(
            "NME: mean distance of the 68 points to the truth over the distance of the outer eye corners, end to end "
            "with the shipped face detector; `missed` counts pictures in which the annotated face was not found."
        )
    parts.append(f"## Training\n\n```sh\n{commands['train']}\n```\n\n| setting | value |\n| --- | --- |\n{settings}")
    parts.append(f"## Limits\n{data['limits']}")
    return "\n\n".join(parts) + "\n"
