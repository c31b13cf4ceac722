"""The sentences of ``UserError`` that come from below the page, in Chinese.

Those folders know no languages: they speak English. Here the template of each of their sentences stands beside its
translation, with the same named places (how a place is written, as in ``{name!r}``, is left out);
``tests/test_strings.py`` finds the ones that are missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from resnet_demo.errors import Text
from resnet_demo.page.i18n.texts import language

SENTENCES = {
    # backends
    "The network has no block {name}: choose among {names}.": "该网络没有块{name}：请从{names}中选择。",
    "Without some of its blocks a network has the heat of layer4 only, not of {layer}.": (
        "去掉部分块后，网络只有 layer4 的热图，没有 {layer} 的。"
    ),
    # lab
    "Choose among the depths {depths}.": "请从以下深度中选择：{depths}。",
    "Name the class whose facts you want.": "请指明想了解哪个类别。",
    # images
    "A picture must be a path, bytes, a Pillow image or a uint8 array (H, W, 3), not {kind}.": (
        "图片必须是路径、字节串、Pillow 图像或 uint8 数组 (H, W, 3)，而不是 {kind}。"
    ),
    "{path} is a folder: choose a picture in it.": "{path}是文件夹：请选择其中的一张图片。",
    "There is no file {path}: check its name and folder.": "找不到文件{path}：请检查文件名和所在文件夹。",
    "The file {name} cannot be opened ({reason}): choose another picture.": (
        "无法打开文件{name}（{reason}）：请另选一张图片。"
    ),
    "{subject} is empty: choose another picture.": "{subject}是空的：请另选一张图片。",
    "A picture array must be of type uint8 with values 0 to 255, not {kind}.": (
        "图片数组的类型必须是 uint8，取值 0 到 255，而不是 {kind}。"
    ),
    "A picture array must have the shape (height, width, 3), not {shape}.": (
        "图片数组的形状必须是 (高, 宽, 3)，而不是 {shape}。"
    ),
    "{subject} is too small ({width} × {height} pixels): choose one of at least {side} × {side}.": (
        "{subject}太小（{width} × {height} 像素）：请选择至少 {side} × {side} 像素的图片。"
    ),
    "{subject} is too large{have}: choose one of at most {most} megapixels.": (
        "{subject}太大{have}：请选择不超过 {most} 百万像素的图片。"
    ),
    "{subject} is cut off or damaged: save or download it again, or choose another picture.": (
        "{subject}不完整或已损坏：请重新保存或下载，或另选一张图片。"
    ),
    "{subject} is a camera's raw photo, which cannot be read here: export a JPEG of it.": (
        "{subject}是相机的 RAW 照片，这里无法读取：请将其导出为 JPEG。"
    ),
    "{subject} is a kind of TIFF that cannot be read here: save it as JPEG or PNG.": (
        "{subject}是这里无法读取的一种 TIFF：请另存为 JPEG 或 PNG。"
    ),
    "{subject} is not a picture this page can read: use {formats}.": (
        "{subject}不是本页面能读取的图片：请使用 {formats} 格式。"
    ),
    # tasks
    "There is no class {index}: {task} has the classes 0 to {last}.": (
        "没有编号为 {index} 的类别：{task} 的类别编号为 0 到 {last}。"
    ),
    "There is no class {name} in {task}.{hint}": "{task} 中没有类别{name}。{hint}",
    "There is no face region {region}: choose one of {known}.": "没有名为{region}的面部区域：请从 {known} 中选择。",
    "There is no direction {direction}: choose one of {known}.": "没有方向{direction}：请从 {known} 中选择。",
    # explain
    "There is no explanation {name}: choose one of {known}.": "没有名为{name}的解释方法：请从 {known} 中选择。",
    "{task} is a task of {task_kind}, not of {wanted_kind}: choose another task.": (
        "{task} 是{task_kind}任务，而不是{wanted_kind}任务：请选择其他任务。"
    ),
    "No task is named: name one, or several with the same trunk.": "没有指定任务：请指定一个，或多个共用主干的任务。",
    "{task} gives one number, so nothing else can be explained: name no target.": (
        "{task} 只给出一个数值，没有其他内容可以解释：请不要指定目标。"
    ),
    "{name} does not work for {task_kind}: choose one of {known}.": "{name} 不适用于{task_kind}：请从 {known} 中选择。",
    "{name} does not explain {layer}: choose {layers}.": "{name} 不能解释 {layer}：请选择 {layers}。",
    "{name} compares with nothing: leave against out, or choose {known}.": (
        "{name} 不作比较：请去掉 against，或选择 {known}。"
    ),
    "{name} needs something to compare with: name a class or region in against.": (
        "{name} 需要比较对象：请在 against 中指明类别或区域。"
    ),
    "top_k must be a whole number from 1 on, not {value}.": "top_k 必须是不小于 1 的整数，而不是 {value}。",
    # archives
    "These are {count} files: choose at most {most} at a time.": "共有 {count} 个文件：一次最多选择 {most} 个。",
    "This archive lists too many files: pack at most {most} photos into one.": (
        "这个压缩包列出的文件太多：每个压缩包最多放 {most} 张照片。"
    ),
    "This archive is cut off or damaged: pack the photos again.": "这个压缩包不完整或已损坏：请重新打包照片。",
    "This archive holds more than {size} GB when unpacked: pack fewer photos into one.": (
        "这个压缩包解压后超过 {size} GB：请减少每个压缩包中的照片。"
    ),
    "This file is encrypted: unpack the archive with its password and choose the photos.": (
        "这个文件已加密：请用密码解压，然后选择照片。"
    ),
    "This file is packed in an unusual way: make an ordinary zip of the photos.": (
        "这个文件的压缩方式不常见：请把照片打包成普通的 ZIP。"
    ),
    "This file is larger than {size} MB: scale the picture down.": "这个文件超过 {size} MB：请缩小图片。",
    "This file is damaged inside its archive: pack the photos again.": "这个文件在压缩包内已损坏：请重新打包照片。",
    "This is an archive inside an archive, which is not opened: choose it by itself.": (
        "这是压缩包里的压缩包，不会打开：请单独选择它。"
    ),
    "Of archives, only zip is opened: pack the photos as a zip.": "压缩包只支持 ZIP：请把照片打包成 ZIP。",
    # checkpoints
    "There are no weights for the task {task}: {advice}.": "任务{task}没有权重：{advice}。",
    "{task} has weights of a {there} already, and can have one network of depth {depth}: choose another --name for the "
    "{network}, or let RESNET_DEMO_WEIGHTS name another folder.": (
        "{task} 已有 {there} 的权重，每个深度只能有一个网络（深度 {depth}）：请为 {network} 另选 --name，"
        "或用 RESNET_DEMO_WEIGHTS 指明另一个文件夹。"
    ),
    "There is no ResNet-{depth}: choose {depths}.": "没有 ResNet-{depth}：请选择 {depths}。",
    "There is no ResNet-{depth} for {task} yet: choose {depths}.": "{task} 尚无 ResNet-{depth}：请选择 {depths}。",
    "{source} is a ResNet-{depth} for {task}, not a ResNet-{wanted} for {other}: correct the index.": (
        "{source} 是 {task} 的 ResNet-{depth}，而不是 {other} 的 ResNet-{wanted}：请更正索引。"
    ),
    "{source} needs {path}, which is outside of its repository: correct its configuration.": (
        "{source} 需要仓库之外的 {path}：请更正其配置。"
    ),
    "{file} does not say what its weights must be: save the checkpoint again.": (
        "{file} 没有说明其权重应是什么：请重新保存检查点。"
    ),
    "The state for {folder} is not finite, training has diverged: see {keys}.": (
        "{folder} 的参数不是有限值，训练已发散：请查看 {keys}。"
    ),
    "{folder} is not inside {root}: save the checkpoint there before registering it.": (
        "{folder} 不在 {root} 之内：请先把检查点保存到那里再登记。"
    ),
    "{out} is there already: choose another --out.": "{out} 已经存在：请选择另一个 --out。",
    "These weights are no ResNet's: {kind} blocks in stages of {counts}.": (
        "这些权重不属于 ResNet：各阶段的 {kind} 块数为 {counts}。"
    ),
    "{path} does not say where its bottlenecks have their stride: put its config.json beside "
    "it, or pass --variant v1 (downsample_in_bottleneck) or v1.5.": (
        "{path} 没有说明瓶颈块的步长在哪一层：请把它的 config.json 放在旁边，"
        "或给出 --variant v1（downsample_in_bottleneck）或 v1.5。"
    ),
    "{file} cannot be read ({error}): pass a text file with one class a line.": (
        "无法读取 {file}（{error}）：请给出每行一个类别的文本文件。"
    ),
    "There is no file {file}: pass a text file with one class a line, or a,b,c.": (
        "没有文件 {file}：请给出每行一个类别的文本文件，或 a,b,c。"
    ),
    "The class {name} is named twice: give each output a name of its own.": (
        "类别 {name} 出现了两次：请给每个输出各起一个名称。"
    ),
    "{labels} names fewer than two classes: name one for each output.": (
        "{labels} 中的类别不足两个：请为每个输出命名一个类别。"
    ),
    "{path} holds {name} twice, as {first} and as {second}: leave one of the two networks out.": (
        "{path} 中有两个 {name}，即 {first} 和 {second}：请去掉其中一个网络。"
    ),
    "{path} holds Python objects, which are not run here: save its weights alone, with "
    "torch.save(model.state_dict(), FILE).": (
        "{path} 中有 Python 对象，此处不会运行：请用 torch.save(model.state_dict(), FILE) 只保存权重。"
    ),
    "Reading {name} needs h5py: pip install h5py.": "读取 {name} 需要 h5py：pip install h5py。",
    "{path} holds more than 2 GB of weights: import a ResNet alone.": (
        "{path} 中的权重超过 2 GB：请只导入一个 ResNet。"
    ),
    "{path} cannot be read ({error}): pass what model.save() or model.save_weights() of Keras wrote.": (
        "无法读取 {path}（{error}）：请给出 Keras 的 model.save() 或 model.save_weights() 写出的文件。"
    ),
    "{path} is no ResNet50, ResNet101 or ResNet152 of keras.applications with one Dense layer behind it ({error}): "
    "import weights of another program as .pth or .safetensors.": (
        "{path} 不是 keras.applications 中后接一个 Dense 层的 ResNet50、ResNet101 或 ResNet152（{error}）："
        "请以 .pth 或 .safetensors 导入其他程序的权重。"
    ),
    "{path} holds no state dict: save one with torch.save(model.state_dict(), FILE).": (
        "{path} 中没有 state dict：请用 torch.save(model.state_dict(), FILE) 保存。"
    ),
    "{path} cannot be read ({error}): pass a .safetensors file, or a .pth or .pt file with a state dict.": (
        "无法读取 {path}（{error}）：请给出 .safetensors 文件，或含 state dict 的 .pth 或 .pt 文件。"
    ),
    "{path} cannot be read ({error}): pass a .safetensors file, or a .pth or .pt file with a state "
    "dict, imagenet or a checkpoint folder.": (
        "无法读取 {path}（{error}）："
        "请给出 .safetensors 文件、含 state dict 的 .pth 或 .pt 文件、imagenet 或检查点文件夹。"
    ),
    "{source} does not fit a {title} with {outputs} outputs: {faults}.": (
        "{source} 与有 {outputs} 个输出的 {title} 不符：{faults}。"
    ),
    "{where} describes no ResNet that exists here: fetch it again.": (
        "{where} 描述的不是本程序中的 ResNet：请重新获取。"
    ),
    "{where} is damaged ({error}): fetch it again, or calibrate the checkpoint anew.": (
        "{where} 已损坏（{error}）：请重新获取，或重新校准该检查点。"
    ),
    "{where} is damaged (its ranges are not those of a {title}): fetch it again.": (
        "{where} 已损坏（其中的范围不属于 {title}）：请重新获取。"
    ),
    "The loss of {name} is not finite in epoch {epoch}: pass a lower --rate.": (
        "{name} 的损失在第 {epoch} 轮不再是有限数：请给出更小的 --rate。"
    ),
    "{file} is a run of other settings or pictures: choose another --out, or remove it.": (
        "{file} 是另一套设置或图片的训练：请另选 --out，或将其删除。"
    ),
    "{path} holds runs of other settings ({name} is {there} there and {here} here): choose the same ones, or another "
    "--out.": (
        "{path} 中是另一套设置的训练（{name} 在那里是 {there}，这里是 {here}）：请改用相同的设置，或另选 --out。"
    ),
    "{path} holds no such results ({error}): make them with `resnet-demo lab`.": (
        "{path} 中没有这样的结果（{error}）：请用 `resnet-demo lab` 生成。"
    ),
    "A {title} has no shortcuts, so none of its blocks can be left out: choose a residual network.": (
        "{title} 没有捷径连接，因此不能去掉其中的任何块：请选择残差网络。"
    ),
    "{name} is no weights file that this version can read ({error}): get another copy.": (
        "{name} 不是当前版本能读取的权重文件（{error}）：请重新获取一份。"
    ),
    "{where} is incomplete ({error}): fetch it again.": "{where} 不完整（{error}）：请重新获取。",
    "The weights {path} cannot be read ({reason}): fetch the repository's weights again.": (
        "无法读取权重 {path}（{reason}）：请重新获取仓库中的权重。"
    ),
    "{path} is a Git LFS pointer, not the weights: run `git lfs pull` in the repository.": (
        "{path} 是 Git LFS 指针，而不是权重本身：请在仓库中运行 `git lfs pull`。"
    ),
    "The weights {path} are damaged, {size} bytes instead of {wanted}: fetch the file again.": (
        "权重 {path} 已损坏，大小为 {size} 字节，应为 {wanted} 字节：请重新获取该文件。"
    ),
    "The weights {path} are damaged, their SHA-256 is another: fetch the file again.": (
        "权重 {path} 已损坏，SHA-256 不符：请重新获取该文件。"
    ),
    "{path} cannot be read ({reason}): fetch the repository's weights again.": (
        "无法读取 {path}（{reason}）：请重新获取仓库中的权重。"
    ),
    "{path} is not valid JSON ({error}): fetch it again.": "{path} 不是有效的 JSON（{error}）：请重新获取。",
    "{path} does not hold a JSON object: fetch it again.": "{path} 中没有 JSON 对象：请重新获取。",
    "The weights of the ResNet-{depth} for {task} are not on this machine: let RESNET_DEMO_WEIGHTS name the folder "
    "weights of a clone of the project, or {variable} a repository on the Hub that has them.": (
        "这台机器上没有 {task} 的 ResNet-{depth} 权重：请用 RESNET_DEMO_WEIGHTS 指明项目克隆中的 weights 文件夹，或用 "
        "{variable} 指明 Hub 上有这些权重的仓库。"
    ),
    "Let RESNET_DEMO_WEIGHTS name a folder for the checkpoints that you make, and run this again.": (
        "请用 RESNET_DEMO_WEIGHTS 指明存放您所制作检查点的文件夹，然后再次运行。"
    ),
    "There is a task {name} already: choose another name.": "任务 {name} 已经存在：请换一个名称。",
    "There is no task {name}, and none of your own yet: `train --data` makes one.": (
        "没有任务 {name}，也还没有您自己的任务：可用 `train --data` 训练一个。"
    ),
    "The task {name} comes with the project and stays as it is: name one of your own.": (
        "任务 {name} 随项目提供，保持不变：请指明您自己的任务。"
    ),
    "There is no task {name} of your own: choose of {own}.": "您没有名为 {name} 的任务：请从 {own} 中选择。",
    "{folder} is there already: choose another name.": "{folder} 已经存在：请换一个名称。",
    "{folder} is not inside {root}: take it out of the index by hand.": (
        "{folder} 不在 {root} 之内：请手动将它从索引中删除。"
    ),
    "{where} is not a list of checkpoints: fetch it again.": "{where} 不是检查点列表：请重新获取。",
    "{subject} is too large for this server just now: try again in a minute, or choose a smaller one.": (
        "服务器暂时无法处理{subject}：请一分钟后重试，或选择更小的。"
    ),
    "{folder} cannot be read ({reason}).": "无法读取 {folder}（{reason}）。",
    "The folder {root} {state}: make one subfolder a class, such as cats and dogs, in it.": (
        "文件夹 {root} {state}：请在其中为每个类别建一个子文件夹，例如 cats 和 dogs。"
    ),
    "{root} has only one class, {name}: put at least two subfolders with pictures into it.": (
        "{root} 只有一个类别 {name}：请在其中放入至少两个含图片的子文件夹。"
    ),
    "{root} is divided into {names}, not into classes: put one subfolder a class into it, the split is made here.": (
        "{root} 分为 {names}，而不是类别：请为每个类别放一个子文件夹，划分在这里进行。"
    ),
    "{root} is divided into {names}, not into classes: pass {meant}, or call these folders train, val and test to keep "
    "the split.": (
        "{root} 分为 {names}，而不是类别：请改用 {meant}，或把这些文件夹命名为 train、val 和 test 以保留划分。"
    ),
    "{root} is divided into {names}, not into classes: sort the pictures in {meant} into one folder a class, or pass a "
    "CSV of image and label.": (
        "{root} 分为 {names}，而不是类别：请把 {meant} 中的图片按类别放入各自的文件夹，或使用含图片和标签的 CSV。"
    ),
    "{root} holds only the folder {name}, with folders in it: pass {meant}.": (
        "{root} 只含文件夹 {name}，其中又是文件夹：请改用 {meant}。"
    ),
    "{folder} holds folders called like those beside it, such as {shared}: pass {folder}, or move it away.": (
        "{folder} 中有与其旁边同名的文件夹，例如 {shared}：请改用 {folder}，或将其移走。"
    ),
    "The folders {names} in {root} hold only folders, such as {inner}, so they are no classes: pass {meant}, or put "
    "the pictures of each class right into its folder.": (
        "{root} 中的文件夹 {names} 只含文件夹，例如 {inner}，因此不是类别：请改用 {meant}，"
        "或把每个类别的图片直接放入其文件夹。"
    ),
    # tasks, teach
    "The name {name} will not do: use small letters a to z, digits, - and _ only.": (
        "名称{name}不可用：请只用小写字母 a 到 z、数字、- 和 _。"
    ),
    "The name {name} belongs to a task that comes with the project: choose another.": (
        "名称 {name} 属于项目自带的任务：请另选一个。"
    ),
    "There are no weights to teach: fetch the repository's weights first.": (
        "没有可用来教的权重：请先获取仓库中的权重。"
    ),
    "There is no ResNet-{depth} to teach: choose {depths}.": "没有可用来教的 ResNet-{depth}：请选择 {depths}。",
    "{task} has no classes: choose a task with classes to start from.": (
        "{task} 没有类别：请选择一个有类别的任务作为起点。"
    ),
    "At least two classes are needed: add another one.": "至少需要两个类别：请再添加一个。",
    "Each class needs at least {least} photos that can be read, fewer has {poor}: add some, or remove it.": (
        "每个类别至少需要 {least} 张可读取的照片，数量不足的有 {poor}：请添加照片，或删除该类别。"
    ),
    # predictor, render
    "There is no layer {layer}: choose one of {layers}.": "没有名为{layer}的层：请从 {layers} 中选择。",
    "There is no colour map {name}: choose one of {known}.": "没有名为{name}的色图：请从 {known} 中选择。",
    # engine
    "There is no Apple MPS device here: choose the device auto or cpu.": (
        "这里没有 Apple MPS 设备：请选择设备 auto 或 cpu。"
    ),
    "There is no CUDA device here: choose the device auto or cpu.": "这里没有 CUDA 设备：请选择设备 auto 或 cpu。",
    "There is no {device} here: choose {choice}.": "这里没有 {device}：请选择 {choice}。",
    "There is no device {device}: choose {devices}.": "没有名为{device}的设备：请选择 {devices}。",
    "The device {device} needs PyTorch, which is not installed here: install it (`make torch` in a clone of the "
    "project, else `pip install torch`), or choose the device cpu.": (
        "设备 {device} 需要 PyTorch，而这里没有安装：请安装它（在项目的克隆中运行 `make torch`，否则运行 "
        "`pip install torch`），或选择设备 cpu。"
    ),
    # hub
    "{variable} must be a repository such as you/resnet-demo-weights, not {repo}.": (
        "{variable} 必须是仓库名，例如 you/resnet-demo-weights，而不是{repo}。"
    ),
    "Cannot use {source} at {revision}, it has {found}: "
    "it was removed; try again, or fetch it from a repository that you trust.": (
        "无法使用版本 {revision} 的 {source}，{found}：文件已删除；请重试，或从您信任的仓库获取。"
    ),
    "Cannot use {source} at {revision}, the Hub has a file with another {what} there: "
    "get the newest version of this program, or tell its maker.": (
        "无法使用版本 {revision} 的 {source}，Hub 上该文件的{what}不同：请获取本程序的最新版本，或告知作者。"
    ),
    "Cannot verify {source}, the Hub gives no SHA-256 for it: use another source for the weights.": (
        "无法验证 {source}，Hub 没有给出它的 SHA-256：请使用其他来源的权重。"
    ),
    "Cannot {what}, {reason}: {advice}.": "无法{what}，{reason}：{advice}。",
    # hub_timm
    "{where} is no configuration of timm's ({error}): use another source.": (
        "{where} 不是 timm 的配置（{error}）：请使用其他来源。"
    ),
    "{where} is of another network or task than ImageNet's ResNets: use another source.": (
        "{where} 属于其他网络或任务，而不是 ImageNet 的 ResNet：请使用其他来源。"
    ),
}

_FAULTS = {
    "{faults}; {others}": "{faults}；{others}",
    "missing are {keys}": "缺少 {keys}",
    "unexpected are {keys}": "多出 {keys}",
    "wrongly shaped are {keys}": "形状不符的有 {keys}",
}
_KINDS = {"classification": "分类", "keypoints": "关键点", "regression": "回归"}
_ONE_OF = {"{first} or {last}": "{first} 或 {last}", "one of {first} to {last}": "{first} 到 {last} 之一"}
_SYSTEM = {
    "permission denied": "没有权限",
    "no such file or directory": "文件或文件夹不存在",
    "is a directory": "这是一个文件夹",
    "input/output error": "输入输出错误",
    "no space left on device": "磁盘空间不足",
    "read-only file system": "文件系统为只读",
}
PLACE = re.compile(r"\{(\w+)[^{}]*\}")

# Place → what may stand there, where that is English too.
PARTS = {
    "subject": {"The file {name}": "文件{name}", "The file": "该文件", "The picture": "该图片"},
    "have": {" ({width} × {height} pixels)": "（{width} × {height} 像素）"},
    "hint": {" Did you mean {label}?": "您是指{label}吗？"},
    "task_kind": _KINDS,
    "wanted_kind": _KINDS,
    "faults": _FAULTS,
    "others": _FAULTS,
    **dict.fromkeys(("formats", "depths", "tasks", "choice", "devices"), _ONE_OF),
    "system": _SYSTEM,
    "what": {
        "SHA-256": " SHA-256 ",
        "size": "大小",
        "fetch {source}": "获取 {source}",
        "find {source}": "查找 {source}",
        "read {source}": "读取 {source}",
        "remove the damaged {source}": "删除已损坏的 {source}",
        "look up {repo} at {branch}": "查询 {repo} 的 {branch}",
    },
    "found": {
        "{size} bytes instead of {wanted}": "大小为 {size} 字节，应为 {wanted} 字节",
        "another SHA-256": "SHA-256 不符",
        "no JSON object": "其中没有 JSON 对象",
        "no valid JSON ({error})": "不是有效的 JSON（{error}）",
    },
    "reason": {
        **_SYSTEM,
        "HF_HUB_OFFLINE is set": "已设置 HF_HUB_OFFLINE",
        "it is not in the Hub's cache on this machine": "它不在本机的 Hub 缓存中",
        "its owner must allow it": "需要其所有者许可",
        "the repository has no such revision": "仓库中没有这个版本",
        "the repository has no such file at this revision": "仓库的这个版本中没有该文件",
        "the repository does not exist or is private": "仓库不存在或为私有",
        "that is no name of a repository": "这不是仓库名",
        "nobody is logged in": "尚未登录",
        "what answers at {place} is no Hub": "{place} 处应答的不是 Hub",
        "the Hub at {place} cannot be reached": "无法连接位于 {place} 的 Hub",
        "it came incomplete": "传输不完整",
        "the Hub does not accept the access token": "Hub 不接受该访问令牌",
        "the access token has no right to it": "该访问令牌没有权限",
        "the Hub is asked too often from here": "从这里向 Hub 发出的请求过于频繁",
        "the Hub has a fault of its own ({status})": "Hub 自身出现故障（{status}）",
        "the Hub refuses ({status}{said})": "Hub 拒绝了请求（{status}{said}）",
        "{system} at {place}": "{place}：{system}",
    },
    "advice": {
        "choose {tasks}": "请选择 {tasks}",
        "train one with `python -m resnet_demo train`": "请用 `python -m resnet_demo train` 训练",
        "unset it once, where there is a network": "请在有网络时取消该设置并运行一次",
        "allow the download once": "请允许下载一次",
        "ask on the repository's page at {place} and log in": "请在 {place} 上该仓库的页面提出申请并登录",
        "correct the revision": "请更正版本",
        "correct the path or the revision": "请更正路径或版本",
        "correct the name, or log in with `hf auth login` (or set HF_TOKEN) if it is private": (
            "请更正名称；如为私有仓库，请用 `hf auth login` 登录（或设置 HF_TOKEN）"
        ),
        "use owner/name": "请使用“所有者/名称”的形式",
        "log in with `hf auth login` or set HF_TOKEN": "请用 `hf auth login` 登录，或设置 HF_TOKEN",
        "correct HF_ENDPOINT, the proxy or the firewall": "请更正 HF_ENDPOINT、代理或防火墙的设置",
        "check the network and try again": "请检查网络后重试",
        "try again": "请重试",
        "make room there, or set HF_HOME to a folder that you can write to": (
            "请在那里腾出空间，或将 HF_HOME 设为可写的文件夹"
        ),
        "log in with `hf auth login` or correct HF_TOKEN": "请用 `hf auth login` 登录，或更正 HF_TOKEN",
        "log in with a token that has, at the Hub's settings page": "请在 Hub 的设置页面获取有权限的令牌并登录",
        "try again in a few minutes": "请几分钟后重试",
        "try again {when}, or log in for a higher limit": "请在{when}后重试，或登录以提高限额",
        "correct the request": "请更正请求",
    },
    "state": {"has no subfolders": "没有子文件夹", "is empty": "是空的"},
    "keys": {"{first} and {count} more": "{first} 及另外 {count} 个"},
    "when": {"in {seconds} seconds": " {seconds} 秒", "in a few minutes": "几分钟"},
}


def translate(text: Text) -> str:
    """A sentence from below the page in the visitor's language; one that has no translation stays English."""
    return str(text) if language() == "en" else _translated(text, SENTENCES) or str(text)


def _translated(text: Text, table: Mapping[str, str]) -> str | None:
    chinese = table.get(PLACE.sub(r"{\1}", text.template))
    if chinese is None:
        return None
    return chinese.format(**{name: _value(name, text.values[name], *how) for name, *how in text.places()})


def _value(place: str, value: object, spec: str, conversion: str) -> str:
    """What fills a place: a part that has a translation, a list, a name in quotation marks, or itself."""
    if isinstance(value, list):
        return "、".join(map(str, value))
    part = value if isinstance(value, Text) else Text(str(value))
    if (translated := _translated(part, PARTS.get(place, {}))) is not None:
        return translated
    if conversion == "r":
        return f"“{value}”" if isinstance(value, str) else repr(value)
    return format(value, spec)
