"""Every text of the page in Chinese, by the keys of ``en``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


ZH = {
    # The frame
    "title": "残差网络看到了什么",
    "tagline": "认出花卉，标出人脸关键点，并看看照片的哪一部分起了决定作用。",
    "switch": "语言",
    "info": "关于本页面",
    "getting_ready": "正在准备网络……",
    "running_on": "运行于 {device} · {engine}",
    "no_index": "尚未安装任何权重",
    "tab_flowers": "分类",
    "tab_faces": "人脸",
    "tab_number": "数值",
    "tab_compare": "比较",
    # Regions
    "region_all": "整张脸",
    "region_jaw": "下颌",
    "region_brows": "眉毛",
    "region_nose": "鼻子",
    "region_eyes": "眼睛",
    "region_mouth": "嘴巴",
    # Inputs
    "photo": "您的照片",
    "photo_new": "新照片",
    "photo_camera": "拍照",
    "photo_capture": "拍下照片",
    "photo_cancel": "取消",
    "photo_examples": "示例",
    "photo_example": "示例",
    "photo_drop": "将照片放在这里",
    "photo_failed": "照片未能传到服务器。请确认服务器仍在运行，然后重新选择照片。",
    "photo_full": "原始分辨率",
    "photo_full_hint": "照片已缩小到 1600 像素后上传。点击以原始分辨率发送，适合很小的人脸。",
    "credits_flowers": (
        '照片：<a href="https://www.flickr.com/photos/vultilion/6056698931/" target="_blank" rel="noreferrer">'
        "vultilion</a>（CC BY 2.0）、Caroline Ford（GPL 2）、Stéfan van der Walt（CC0）"
    ),
    "credits_faces": "照片：Pete Souza，白宫；NASA（公有领域）",
    "credits_compare": (
        '照片：<a href="https://www.flickr.com/photos/vultilion/6056698931/" target="_blank" rel="noreferrer">'
        "vultilion</a>（CC BY 2.0）、Caroline Ford（GPL 2）、Pete Souza，白宫（公有领域）"
    ),
    "task": "识别什么",
    "depth": "深度",
    "depths": "深度",
    "depths_missing": "{depths} 层尚无权重。",
    "depths_none": "所有深度都尚无权重。",
    "depths_download": "首次使用时下载：{depths}。",
    "downloading": "正在下载 {network}",
    "top_k": "显示的类别数",
    "target": "查看热图",
    "target_top": "最可能的类别",
    "region": "脸部区域",
    "retry": "再试一次",
    # Outputs
    "classes": "最可能的类别",
    "overlay": "网络关注的区域",
    "keypoints": "关键点",
    "face_cam": "定位关键点时关注的区域",
    "details": "原始数据（JSON）",
    "gallery": "各深度关注的区域",
    "table": "对照表",
    "column_depth": "深度",
    "column_label": "首选类别",
    "column_probability": "概率",
    "column_milliseconds": "用时（ms）",
    "column_parameters": "参数量（M）",
    "column_gflops": "GFLOPs",
    "column_metric": "测试指标",
    "column_network": "网络",
    # Sentences
    "hint_classes": "请选择一张照片：最可能的类别会显示在这里。点击某个类别，可查看支持它的依据。",
    "hint_faces": "请选择一张含有一张或多张人脸的照片：每张脸都会标出 68 个关键点。",
    "hint_points": "请选择一张照片：关键点会标在照片上。",
    "hint_number": "请选择一张照片：数值会显示在这里，照片上会标出使它升高和降低的地方。",
    "hint_compare": "请选择一张照片：每种深度的网络都会给出类别，并显示它关注的区域。",
    "facts": "{network} · {milliseconds} ms · {backend}",
    "heat_for": "“{label}”的热图（{probability}）。点击其他类别，看照片的哪些部分支持它。",
    "heat_none": "照片中没有支持“{label}”的地方：热图是空的。",
    "gpu_full": "GPU 显存已满，因此由 CPU 计算。",
    "gpu_failed": "GPU 出错，因此由 CPU 计算。",
    "rows_missing": "文件提前结束：照片缺少 {share}% 的像素行。",
    "dimmed": "网络只看了明亮的部分。",
    "few_pixels": "它看到的照片只有 {side} × {side} 个像素。",
    "faces_none": "这张照片中没有找到人脸。请换一张人脸更大、更亮或更正对镜头的照片。",
    "faces_one": "<b>1 张人脸</b>，{points} 个关键点。",
    "faces_many": "<b>{count} 张人脸</b>，每张 {points} 个关键点。",
    "points_many": "<b>{count} 个关键点</b>。",
    "pose": "头部{side}转 {yaw}°，{height} {pitch}°，{way}倾斜 {roll}°。",
    "pose_left": "向画面左侧",
    "pose_right": "向画面右侧",
    "pose_up": "抬起",
    "pose_down": "低下",
    "pose_clockwise": "顺时针",
    "pose_anticlockwise": "逆时针",
    "points_heat": "颜色最暖的地方对关键点的位置影响最大。可选择区域，也可在照片下方选择方向。",
    "number_error": "在 {count} 张测试图片上，平均误差为 {error}。",
    "number_heat": "红色的地方使数值升高，蓝色的地方使数值降低。",
    "points_short": "{count} 个关键点",
    "caption": "{network} · {label}",
    "compared_one": "目前只有一种深度有权重。其他深度训练好后会出现在这里。",
    "compared_alone": "多勾选几种深度，即可进行比较。",
    "faces_short": "{count} 张人脸",
    "face_short": "1 张人脸",
    "no_weights": "{task}任务尚无 ResNet-{depth}，其权重还有待训练。请选择 {depths}。",
    "no_weights_at_all": "{task}任务尚无权重。请用 `python -m resnet_demo train` 训练。",
    "no_photo": "请先选择一张照片。",
    "no_depth": "请至少选择一种深度。",
    "bad_depth": "这里没有深度为 {depth} 的 ResNet。请选择 {depths}。",
    "bad_top_k": "类别数必须是 1 到 10 之间的整数。",
    "not_classes": "{task}任务不输出类别。请改用“人脸”选项卡，或接口 /keypoints。",
    "not_points": "{task}任务没有关键点。请改用“分类”选项卡，或接口 /classify。",
    "photo_gone": "服务器上已没有这张照片。请重新选择。",
    "unexpected": "服务器出了问题，原因已写入日志。请重试，或换一张照片。",
    "server_file": "服务器上该网络的一个文件缺失或损坏，详情已写入日志。请选择其他任务或深度。",
    "disk_full": "服务器的磁盘暂时没有空间。请稍后重试。",
    "too_large_now": "服务器暂时无法处理这么大的内容。请一分钟后重试，或选择更小的照片。",
    "http_bad": "无法使用这些输入：请查看页面的接口列表，了解各项的要求。",
    "http_refused": "此文件不对外开放：请选择您自己的照片。",
    "http_not_found": "此地址没有内容：请查看页面的接口列表。",
    "http_too_large": "此文件超过服务器的上限：请选择更小的文件。",
    "http_too_much": "已超过每位访客十分钟内的上传上限。请稍后重试。",
    "http_busy": "服务器正忙。请一分钟后重试。",
    "stopping": "服务器即将停止。请一分钟后重试。",
    "notice": "请注意",
    # Metrics
    "metric_top1": "top-1 准确率 {value}%",
    "metric_nme": "NME {value}%（{source}）",
    "metric_nme_plain": "NME {value}%",
    "metric_top1_axis": "top-1 准确率（%）",
    "metric_nme_axis": "{source} 上的 NME（%，越低越好）",
    "metric_nme_plain_axis": "NME（%，越低越好）",
    "metric_none": "尚未测量",
    # Is the heat true?
    "truth_lead": "遮住最热的部分：如果热图可信，该类别的概率就会下降。",
    "truth_fifth": "遮住最热的五分之一",
    "truth_brush": "画笔",
    "truth_brush_keys": "在图上涂抹；也可用方向键移动，按回车键遮住。",
    "truth_undo": "撤销",
    "truth_clear": "清除",
    "truth_draw": "画出曲线",
    "truth_drawing": "正在查看 64 张图片……",
    "truth_same": "{label}：{before} → {after}，仍是最可能的类别。",
    "truth_moved": "{label}：{before} → {after}。现在最可能的是{best}（{share}）。",
    "truth_deletion": "从最热处开始遮住：面积 {heat}，随机顺序为 {random}。",
    "truth_insertion": "从最热处开始显露：面积 {heat}，随机顺序为 {random}。",
    "truth_deletion_axis": "被遮住的比例",
    "truth_insertion_axis": "已清晰的比例",
    "truth_better": "热图比随机更有依据。",
    "truth_worse": "热图并不比随机更有依据。",
    # The viewer
    "viewer_empty": "热图会显示在这里",
    "viewer_busy": "计算中……",
    "viewer_looking": "正在查看……",
    "viewer_lost": "服务器没有响应。请检查网络连接后重试。",
    "viewer_compare": "用这张照片比较各深度",
    "viewer_truth": "热图可信吗？",
    "viewer_take": "下载",
    "viewer_show": "显示",
    "viewer_points": "关键点",
    "viewer_heat": "热图",
    "viewer_spread": "离散程度",
    "viewer_spread_hint": (
        "每个关键点一个圆环，大小为它在人脸的八个视图（镜像与旋转）中离散程度的三倍。"
        "说明该点有多稳定，而不是有多准确。每张人脸多算八次。"
    ),
    "viewer_opacity": "强度",
    "viewer_split": "前后对比",
    "viewer_look": "颜色",
    "viewer_colours": "颜色表",
    "viewer_greys": "照片显示为灰度",
    "viewer_stage": "细节",
    "viewer_stage_layer4": "粗",
    "viewer_stage_layer3": "中",
    "viewer_stage_layer2": "细",
    "viewer_stage_layer1": "最细",
    "viewer_direction": "显示",
    "viewer_direction_any": "总体影响",
    "viewer_direction_across": "左右",
    "viewer_direction_down": "上下",
    "viewer_low": "弱",
    "viewer_high": "强",
    "viewer_across_low": "拉向左",
    "viewer_across_high": "拉向右",
    "viewer_down_low": "拉向上",
    "viewer_down_high": "拉向下",
    "viewer_take_overlay": "叠加图（PNG）",
    "viewer_take_heat": "热图（PNG）",
    "viewer_take_npy": "热图（NumPy）",
    "viewer_take_csv": "关键点（CSV）",
    "viewer_take_json": "关键点（JSON）",
    "viewer_code": "代码调用",
    "viewer_copy": "复制",
    "viewer_copied": "已复制",
    "answer_gone": "这个结果已过期，请重新选择照片。",
    "facts_title": "关于此类别",
    "unsure": "不确定",
    "unsure_lead": "看起来最像：",
    "fact_name": "又名",
    "fact_right": "测试结果",
    "fact_share": "该类 {shown} 张照片认对 {right} 张（{share}）",
    "fact_taken": "容易混淆为",
    "fact_times": "{label}（{count} 次）",
    "unknown": "可能都不是：这张照片与网络见过的照片不相像。",
    "unknown_short": "可能都不是",
    # Comparing
    "comparing": "{count} 个深度中已有 {done} 个看过。",
    "agree": "{count} 个深度的结果一致：<b>{label}</b>。",
    "disagree": "<b>各深度的结果不一致。</b>",
    "says": "{depths}：<b>{label}</b>",
    "clause": "；",
    "stop": "。",
    "listed": "{most} 和 {last}",
    "spread": "各深度的关键点与平均位置相差双眼距离的 {mean} %，{network} 的相差最远。",
    "card_time": "耗时",
    "card_parameters": "参数量",
    "card_gflops": "GFLOPs",
    "card_metric": "测试",
    "card_spread": "与平均的差距",
    "card_differs": "不同",
    "curve_title": "深度的代价与收益：{metric}与耗时",
    "curve_time": "一张照片通过网络的毫秒数（对数刻度）",
    "take_csv": "比较结果（CSV）",
    # The terminal
    "serving": "页面地址：http://{host}:{port}",
    "port_bad": "PORT 必须是 1 到 65535 之间的数字，而不是 {port!r}。",
    "port_taken": "端口 {port} 已被占用：请停止占用它的程序，或换一个端口，例如 PORT=7861。",
    "port_refused": "页面无法在 {host} 的端口 {port} 上监听：请用 HOST 和 PORT 另选。",
    "limit_bad": "{name} 必须是整数，例如 {usual}，而不是 {value!r}。",
    "temp_refused": "无法在 {folder} 中保存访客的文件（{reason}）：请在 GRADIO_TEMP_DIR 中指定其他文件夹。",
    # Live
    "tab_live": "摄像头",
    "live_start": "打开摄像头",
    "live_stop": "关闭摄像头",
    "live_depth": "ResNet 的深度（层数）",
    "live_hint": (
        "打开摄像头：您移动时，每张脸都会标出 68 个关键点。小尺寸的画面会发送到运行本页面的服务器，只用于分析，"
        "不会保存。静态照片请用“人脸”选项卡。"
    ),
    "live_asking": "请允许本页面使用摄像头：浏览器正在询问。",
    "live_waiting": "正在等待第一批关键点……",
    "live_nobody": "没有看到人脸。请靠近一些，或转向摄像头。",
    "live_facts": "每秒 {rate} 帧 · 网络 {milliseconds} ms，共 {total} ms · 人脸：{faces}",
    "live_stopped": "摄像头已关闭。",
    "live_insecure": "浏览器只允许安全的页面使用摄像头：请用 https 打开本页面，或在本机上以 localhost 打开。",
    "live_refused": "本页面未获准使用摄像头。请在页面地址旁允许，然后重新打开摄像头。",
    "live_no_camera": "没有找到摄像头。请连接后重试，或在“人脸”选项卡中选择照片。",
    "live_camera_busy": "摄像头正被其他程序使用。请关闭该程序，然后重新打开摄像头。",
    "live_camera_gone": "摄像头不再提供画面。请重新连接，然后重新打开摄像头。",
    "live_lost": "服务器没有响应。请检查它是否仍在运行，然后重新打开摄像头。",
    "live_no_weights": "人脸关键点尚无权重。请用 `python -m resnet_demo train` 训练。",
    "live_broken": "摄像头画面传到服务器时已损坏。请重新打开摄像头。",
    "live_too_large": "摄像头画面对服务器来说太大。请重新打开摄像头。",
    # What the example photographs show, for screen readers
    "example_right": "照片上是：{name}。网络认对了。",
    "example_wrong": "照片上是：{name}。网络在这里认错了。",
    "example_none": "照片上是：{name}。据我们所知，这些类别中没有它的种类，所以任何名称都是错的。",
    "example_dahlia": "大丽花",
    "example_daffodil": "黄水仙",
    "example_cat": "一只猫",
    "example_two-people": "两个人",
    "example_astronaut": "一位宇航员",
    "example_president": "一位总统",
    # How it works
    "tab_how": "原理",
    "how_title_residual": "每个块在输入上做加法",
    "how_residual": (
        "残差网络由许多块堆叠而成。每个块计算一个修正量 F(x)，即残差，并把它加到自己的输入 x 上；"
        "向后传递的是 F(x) + x。绕过卷积的那条线是捷径连接，它原样传递 x。"
    ),
    "how_identity": (
        "没有什么可修正的块让残差保持为零，把得到的内容原样传下去。因此更深的网络可以从较浅网络已有的能力出发，"
        "训练时梯度也能沿捷径到达最前面的层。He 等人（2015）发现，没有捷径时，34 层比 18 层更差，"
        "在训练图片上就已如此。"
    ),
    "how_basic": "基本块",
    "how_basic_words": "x 经过两个卷积，同时沿捷径绕过它们；二者之和继续向后传递。",
    "how_bottleneck": "瓶颈块",
    "how_bottleneck_words": (
        "x 经过三个卷积，第一个收窄通道，最后一个再展宽，同时沿捷径绕过它们；二者之和继续向后传递。"
    ),
    "how_convolution": "卷积",
    "how_channels": "通道",
    "how_title_kinds": "五种深度",
    "how_kinds": (
        "ResNet-18 和 34 由基本块构成。从 50 层起，瓶颈块先把通道收窄到四分之一，"
        "用其中唯一的 3 × 3 卷积观察周围，再展宽通道：层数更多，计算量却增加不多。每个卷积之后都有批归一化。"
        "在某个阶段缩小画面或展宽通道之处，第一个捷径是 1 × 1 卷积，使形状相符。"
    ),
    "how_working": (
        "若去掉某个块会使花卉网络的输出改变至少其离散程度的百分之一，这个块就算起作用。"
        "较深的花卉网络把较浅网络的块分成更小的几步，再继续训练。"
        "这里最深的人脸网络（101 和 152）则是插入了新的块，其中许多几乎没有学到东西：这样的网络只是名义上更深。"
        "各深度之间的差别还来自各自用于训练的照片。"
    ),
    "how_table": "各深度对照表",
    "how_caption": "由代码计算，花卉照片的尺寸为",
    "how_column_depth": "深度",
    "how_column_kind": "块",
    "how_column_blocks": "四个阶段的块数",
    "how_column_layers": "层数",
    "how_column_working": "起作用的块",
    "how_column_parameters": "参数量（百万）",
    "how_column_gflops": "GFLOPs",
    "how_column_flowers102": "102 种花卉，top-1（%）",
    "how_column_faces68": "人脸关键点，NME（%）",
    "how_title_cam": "热图显示什么",
    "how_cam": (
        "最后，特征图在所有格子上取平均，由一个线性层对这些平均值加权。因此一个类别的得分就是各格子之和："
        "每个格子贡献它的通道乘以该类别的权重。最后阶段的 Grad-CAM 显示的正是每个格子的贡献，"
        "不支持该类别的格子则不显示。它不需要梯度，也不需要第二次传播，所有类别的热图同时得到。更早的阶段更精细，"
        "需要一次反向传播。最后阶段的一个格子对应网络所见画面的 32 × 32 个像素（小图片网络则为 8 × 8），"
        "因此热图显示的是位置，而不是轮廓。"
    ),
    "how_points": (
        "关键点的 x 和 y 出自同样的层。那里的热图显示脸上哪些部分影响了某个区域关键点的位置，并按方向显示拉向哪一边。"
    ),
    "how_title_numbers": "数字的含义",
    "how_numbers": (
        "概率把 100 % 分给网络所知的各个类别，因此其他内容的照片也会得到答案。"
        "top-1 是最可能的类别正确的测试照片所占的比例。NME 是关键点与真值的平均距离占两外眼角距离的百分比："
        "越低越好。GFLOPs 是得出一个答案所需的乘法（各带一次加法）的次数，以十亿计。"
        "毫秒数以运行本页面的机器为准。"
    ),
    # Many photos at once
    "tab_many": "多张照片",
    "many_files": "多张照片，或其 ZIP 压缩包",
    "many_run": "全部分析",
    "many_stop": "停止",
    "many_csv": "下载表格（CSV）",
    "many_table": "结果，每张照片一行",
    "many_photo": "照片",
    "many_file": "文件",
    "many_label": "类别",
    "many_probability": "概率",
    "many_second": "次选类别",
    "many_faces": "人脸数",
    "many_points": "关键点数",
    "hint_many": "拖入多张照片或一个 ZIP 压缩包：每张处理完后会在这里显示一行。",
    "many_going": "已完成 {total} 张中的 {done} 张……",
    "many_named": "<b>{total} 张中的 {good} 张</b>已识别。",
    "many_named_bad": "<b>{total} 张中的 {good} 张</b>已识别，{bad} 张无法读取。",
    "many_found": "已分析 <b>{total} 张中的 {good} 张</b>：共 {faces} 张人脸。",
    "many_found_bad": "已分析 <b>{total} 张中的 {good} 张</b>：共 {faces} 张人脸。{bad} 张无法读取。",
    "many_marked": "<b>{total} 张中的 {good} 张</b>已标注。",
    "many_marked_bad": "<b>{total} 张中的 {good} 张</b>已标注，{bad} 张无法读取。",
    "many_stopped": "已停止，完成了 {total} 张中的 {done} 张；已有结果会保留。",
    "many_right": "所在文件夹以类别命名的照片中，<b>{total} 张认对 {right} 张</b>"
    "（{share}；95% 置信区间 {low} 至 {high}）。",
    "many_no_truth": "另有 {count} 张不在这样的文件夹中。",
    "many_other": "其他",
    "many_alike": "与 {name} 最相似的照片",
    "many_alike_hint": "点按一张照片，查看其他照片中与它最相似的（1 表示相同）。",
    "many_none": "请先选择照片或 ZIP 压缩包。",
    "many_empty": "这个压缩包里没有文件：请换一个。",
    # Photos that programs send, or name by their address
    "photo_form": "请发送上传的文件、公共的 http 或 https 地址，或 data URL（data:image/jpeg;base64,…）。",
    "photo_large": "这张照片超过 {size} MB：请选择更小的照片。",
    "fetch_refused": "地址 {url} 不在公共互联网上：请上传照片，或以 data URL 发送。",
    "fetch_failed": "无法获取 {url} 的照片：请检查地址，或上传照片。",
    "fetch_large": "{url} 的文件超过 {size} MB：请选择更小的照片。",
    # Ways to write
    "on": "{engine}（{device}）",
    "percent": "{value}%",
    "separator": "、",
    "or": " 或 ",
    # Teach
    "tab_teach": "自己教",
    "teach_trunk": "以此为起点",
    "teach_class": "类别名称",
    "teach_class_hint": "例如：猫",
    "teach_files": "该类别的照片，或每个类别一个文件夹的 zip",
    "teach_camera": "用摄像头拍照",
    "teach_camera_photo": "摄像头",
    "hint_teach": (
        "先写类别名称，放入它的照片，再写下一个类别。也可以放入每个类别一个文件夹的 zip。"
        "有两个类别、每类两张照片后，它就能识别其他照片；每类二十张是不错的开始。"
    ),
    "teach_going": "已看 {done} / {total} 张照片…",
    "teach_more": "请再添加一个类别：至少需要两个类别，每类两张照片。",
    "teach_right": (
        "<b>{total} 张照片中认对 {right} 张</b>（{share}），每张都由只用其余照片教出的分类层来识别（留一法）。"
    ),
    "teach_try_it": "试另一张照片，或下载所教的内容。",
    "teach_bad": "{count} 个文件无法使用：",
    "teach_bad_more": "以及另外 {count} 个",
    "teach_list": "目前的类别",
    "teach_count": "{count} 张照片",
    "teach_count_one": "1 张照片",
    "teach_remove": "删除{label}",
    "teach_matrix": "按类别（行）和被认作的类别（列）排列的照片",
    "teach_taken_for": "被认作",
    "teach_cell": "{label}的 {count} 张，被认作{found}：查看",
    "teach_cell_right": "{label}的 {count} 张，认对：查看",
    "teach_cell_photos": "{label}，被认作{found}",
    "teach_cell_photos_right": "{label}，认对",
    "teach_try": "试一张照片",
    "hint_teach_try": "教好两个类别后：选择一张它没见过的照片。",
    "teach_task": "任务名称",
    "teach_task_hint": "例如：my-pets",
    "teach_download": "下载检查点",
    "teach_use": "使用它，或用同样的照片训练全部层（耗时更长，照片多些更好）：",
    "teach_no_name": "这是哪个类别？请输入名称并按回车；照片会等着。",
    "teach_none": "还没有教任何内容：至少需要两个类别，每类两张照片。",
    "teach_classes": "这里最多 {most} 个类别：在您的机器上运行 `resnet-demo teach` 则不限数量。",
    "teach_photos": (
        "已有 {there} 张照片，再加 {more} 张会超过 {most} 张的上限：在您的机器上运行 `resnet-demo teach` 则不限数量。"
    ),
    "teach_mb": "这些文件合计超过 {most} MB：请缩小照片，或在您的机器上运行 `resnet-demo teach`。",
    # The lab
    "tab_lab": "实验室",
    "lab_title_blocks": "去掉一个块",
    "lab_lead_blocks": ("按下一个块：它的残差分支被置为零，只剩下捷径，网络随即重新作答。可以同时去掉几个块。"),
    "lab_hint": "请选择照片：上方会出现网络的各个块，这里显示去掉前后的答案。",
    "lab_blocks": "网络的各个块；按下的块已去掉",
    "lab_block": "去掉块",
    "lab_back": "全部放回",
    "lab_each": "逐块试一遍",
    "lab_looking": "正在分析……",
    "lab_whole": "完整的网络",
    "lab_without": "去掉 {blocks}",
    "lab_none_out": "请按上方的一个块：这里会显示没有它时的答案。",
    "lab_heat": "{label}的热图",
    "lab_said_whole": "{count} 个块都在：<b>{label}</b>，{share}。",
    "lab_said_same": "去掉了 {count} 个块中的 {out} 个，答案仍是<b>{label}</b>：原来 {before}，现在 {after}。",
    "lab_said_other": (
        "去掉了 {count} 个块中的 {out} 个，答案变为<b>{other}</b>（{now}）。{label}原来 {before}，现在 {after}。"
    ),
    "lab_trying": "已试 {total} 个块中的 {done} 个……",
    "lab_tried_title": "这张照片：没有各个块时，{label}损失多少",
    "lab_tried": "所有块都在时，{label}为 {share}。去掉 {block} 损失最大：{points} 个百分点。",
    "lab_points_unit": "个百分点",
    "lab_shares_title": "在 {pictures} 张验证照片上：每个块改变多少",
    "lab_shares_title_of": "在 {sources} 的 {pictures} 张照片上：每个块改变多少",
    "lab_spread_unit": "%（占离散程度）",
    "lab_all_work": "这个网络的 {count} 个块都起作用：去掉任何一个，输出的改变都不小于其离散程度的 {least}%。",
    "lab_some_work": (
        "<b>这个网络的 {count} 个块中有 {working} 个起作用。</b>其余 {idle} 个去掉任何一个，"
        "输出的改变都小于其离散程度的 {least}%：它只是名义上更深。"
    ),
    "lab_not_measured": "各个块的作用尚未测量：可用 `resnet-demo lesion {task} --depth {depth}` 测量。",
    "lab_title_layers": "穿过各层的梯度",
    "lab_lead_layers": (
        "一个什么都没学过的新网络，共 6n + 2 层，与 He 等人（2015）用于 CIFAR-10 的相同："
        "一批八张 16 × 16 像素的随机图片向前传播，梯度向后传播，现场即时计算，只用一个随机种子。"
        "普通网络与它相同，只是没有捷径。"
    ),
    "lab_layers": "层数",
    "lab_with": "带有",
    "lab_shortcuts": "捷径",
    "lab_norm": "批归一化",
    "lab_residual": "ResNet-{depth}（{norm}）",
    "lab_plain": "普通-{depth}（{norm}）",
    "lab_normed": "有批归一化",
    "lab_bare": "无批归一化",
    "lab_layers_said": (
        "<b>{name}：第一个卷积的梯度是最后一个的 {ratio} 倍</b>（{first} 与 {last}），"
        "各层的输出从 {small} 变到 {large}。"
    ),
    "lab_layers_other": "{name}：{ratio} 倍。",
    "lab_axis_gradient": "每个卷积的梯度范数",
    "lab_axis_activation": "每层输出的大小（均方根）",
    "lab_axis_layer": "层",
    "lab_recorded": (
        "用另一批图片事先记录：{depths} 层的新网络，32 张 32 × 32 像素的随机图片，一个随机种子"
        "（<code>resnet-demo lab gradients</code>）。有批归一化时，第一个卷积的梯度在普通网络-{shallow} 中是最后一个的 "
        "{plain_shallow} 倍，在普通网络-{deep} 中是 {plain_deep} 倍；在 ResNet-{shallow} 中只是 {with_shallow} 倍，"
        "在 ResNet-{deep} 中是 {with_deep} 倍。网络越深，线条越浓。"
    ),
    "lab_recorded_plain": "普通网络",
    "lab_recorded_with": "残差网络",
    "lab_recorded_normed": "事先记录，有批归一化：每个卷积的梯度范数",
    "lab_recorded_bare": "事先记录，无批归一化：每个卷积的梯度范数",
    "lab_axis_place": "在网络中的位置：0 为第一个卷积，1 为最后一个",
    "lab_title_training": "没有捷径，越深越差",
    "lab_lead_training": (
        "论文由这个实验开始：在 CIFAR-10 上，用同一套方法训练相同的网络，有捷径和没有捷径。训练需要数小时，"
        "所以这些曲线是事先记录的。"
    ),
    "lab_training_said": (
        "<b>没有捷径时，{deep} 层的网络在它学习的图片上错误率为 {plain_deep}，{shallow} 层为 {plain_shallow}。"
        "有捷径时分别为 {residual_deep} 和 {residual_shallow}。</b>更深的网络能做到较浅的网络所做的一切，"
        "所以问题不是能力不足，而是难以训练。"
    ),
    "lab_training_how": (
        "{epochs} 轮，{pictures} 张 {size} 像素的图片，{seeds} 个随机种子的平均值，{tests} 张测试图片。"
    ),
    "lab_training_once": "{epochs} 轮，{pictures} 张 {size} 像素的图片，每个网络训练一次，{tests} 张测试图片。",
    "lab_training_warmup": "学习率在共 {steps} 步中的前 {warmup} 步升至 {rate}。",
    "lab_training_short": "这是缩短的实验：论文中为 {epochs} 轮、{pictures} 张 {size} 像素的图片。",
    "lab_training_errors": (
        "学习图片上的错误率是一轮训练过程中的平均值：图片经过裁剪和翻转，权重同时还在变化；"
        "测试图片上的错误率在每轮结束后测量。"
    ),
    "lab_trained_plain": "普通网络-{depth}",
    "lab_trained_residual": "ResNet-{depth}",
    "lab_error_train": "学习图片上的错误率，%",
    "lab_error_test": "测试图片上的错误率，%",
    "lab_axis_epoch": "轮",
    "lab_title_traps": "训练中的五个陷阱",
    "lab_lead_traps": (
        "这些错误本身不会报错：这里列出不加防范时各自的代价，以及本项目的防范办法。"
        "数字是事先记录的（<code>resnet-demo lab traps</code>）。"
    ),
    "lab_traps_how": (
        "照片的正确率来自自带的 102 种花卉的 ResNet-18，在其 {photos} 张测试照片上测得；"
        "死通道和损失来自 20 层的新网络，用 {learned} 张 32 像素的训练照片测得。"
    ),
    "lab_trap_eval": "忘记调用 <code>eval()</code>",
    "lab_trap_eval_said": (
        "在训练模式下，每个批归一化都使用当前这批图片的统计量：正确率不再是 {right}，每批 50 张时为 {large}，"
        "每批 8 张时为 {small}，逐张时为 {single}，此后即使在评估模式下也只有 {after}，因为保存的统计量已经改变。"
        "网络在训练模式下不带梯度地预测时会发出警告。"
    ),
    "lab_trap_shortcut": "1 × 1 的捷径被广播",
    "lab_trap_shortcut_said": (
        "只给出一个格子的捷径会被加到整张特征图上而不报错：照片的正确率为 {wrong}，而不是 {right}。"
        "捷径与分支的形状不同时，块会拒绝，错误信息给出这两个形状。"
    ),
    "lab_trap_relu": "死亡的 ReLU",
    "lab_trap_relu_said": (
        "学习率过高时，有些通道对每张图片都为零，梯度无法通过：普通网络训练 {steps} 步后，"
        "学习率为 {low} 时最差阶段的死通道占 {few}，学习率为 {high} 时占 {many}。"
        "训练会记录这一比例，某个阶段有一半通道死亡时发出警告，全部死亡时报错并停止。"
    ),
    "lab_trap_head": "没有被更新的层",
    "lab_trap_head_said": (
        "在优化器之后才创建的新输出层不在它更新的权重之中：{steps} 步后损失为 {late}，与开始时相同，而不是 {in_time}。"
        "训练会在第二步之前停止，并指出这些层。"
    ),
    "lab_trap_norms": "冻结的批归一化仍在学习",
    "lab_trap_norms_said": (
        "在训练模式下，批归一化的权重即使已冻结，仍会更新统计量：经过 {steps} 批、每批 {batch} 张照片，"
        "没有任何权重改变，照片的正确率却为 {wrong}，而不是 {right}。"
        "训练会让冻结的部分保持评估模式；网络含有冻结的批归一化时，调用 <code>train()</code> 会发出警告。"
    ),
    "lab_title_stages": "各阶段看到什么",
    "lab_lead_stages": (
        "只用未去掉的块时，每个阶段对您的照片响应最强的八个通道，即平均值最大的通道，各自从零画到其最大值。"
        "下方是通道编号和平均值。"
    ),
    "lab_stage": "{stage}：{channels} 个通道，每个 {rows} × {columns}",
    "lab_channel": "通道 {channel}",
    "lab_title_numbers": "架构的数字",
    "lab_lead_numbers": "由构建网络的记录计算。",
    "lab_arithmetic": (
        "256 个通道上的两个 3 × 3 卷积有 {basic} 个权重。瓶颈块同样接收并给出 256 个通道，"
        "却只有 {bottleneck} 个，前者是它的 {ratio} 倍。"
    ),
    "lab_table": "所有深度，图片为 224 × 224，依照 He 等人（2015）的表 1",
    "lab_output": "输出",
    "lab_published": "已发表：ImageNet 上的 top-5 错误率",
    "lab_published_note": (
        "单个网络的错误率与几个网络平均后的错误率不能相比，验证图片与测试图片也不完全可比；"
        "2015 年获胜的六个 ResNet 合在一起，在测试图片上为 3.57 %（表 5）。"
    ),
    "lab_network": "网络",
    "lab_top5": "top-5 错误率",
    "lab_how": "测量方式",
    "lab_source": "来源",
    "lab_seven_test": "七个网络合在一起，测试图片",
    "lab_seven_pretrained": (
        "七个网络合在一起，其中两个用 ImageNet 2011 年秋季版预训练，测试图片；单个网络在验证图片上为 18.2 %"
    ),
    "lab_one_val": "单个网络，验证图片",
    "lab_from_compare": "去掉 {network} 的块",
}
