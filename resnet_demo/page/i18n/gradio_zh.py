"""What Gradio's front end says itself and has not in Chinese."""

# Texts that it looks up, but lacks: language → key → text. The first it lacks in English too.
LOOKED_UP = {
    "en": {"common.complete": "Complete"},
    "zh": {
        "common.complete": "完成",
        "common.progress": "进度",
        "common.record": "录制",
        "common.stop_recording": "停止录制",
        "dataframe.filter": "筛选",
        "dataframe.clear_filter": "清除筛选",
        "status.queue_position": "排队中：第 {position} 位，共 {size} 位",
    },
}

# English that stands fixed in it, on buttons for screen readers and in its own messages; ``language.js`` replaces it.
# Pattern of the whole text (a regular expression of JavaScript) → what stands instead.
FIXED = {
    # The state of an event, with its seconds
    r"processing \|(.*)": "处理中 |$1",
    r"queue: (\d+)/(\d+) \|": "排队：$1/$2 |",
    # Messages
    r"(?:Warning|Info)( \(\d+\))?": "请注意$1",
    r"Error( \(\d+\))?": "错误$1",
    r"Success( \(\d+\))?": "完成$1",
    r"Connection errored out\.?": "连接出错。",
    r"Connection to the server was lost\. Attempting reconnection\.\.\.": "与服务器的连接已断开，正在重新连接……",
    r"Connection lost\.?(?: .*)?": "连接已断开。",
    r"Reconnected to server.*": "已重新连接到服务器。",
    r"This application is currently busy\. Please try again\.": "本应用正忙，请稍后重试。",
    r"Queue is full.*": "排队的请求太多，请稍后重试。",
    r"(?:Maximum file size exceeded|File (?:size )?exceed).*": "文件太大，请选择较小的文件。",
    r"Error uploading file": "上传文件时出错",
    r"Invalid file type.*": "文件类型不符，请选择照片或 ZIP 压缩包。",
    r"An (?:unknown|unexpected) error occurred.*": "发生未知错误。",
    # Buttons and parts
    "Fullscreen": "全屏",
    "Exit fullscreen mode": "退出全屏",
    "Close": "关闭",
    "Clear": "清除",
    "Download": "下载",
    "Copy": "复制",
    "Copied": "已复制",
    "Reset": "重置",
    "Reset to default value": "恢复默认值",
    "Upload file": "上传文件",
    "Drop Files? Here": "将文件拖放到此处",
    "Click to Upload": "点击上传",
    "Click to upload or drop files?": "点击上传，或将文件拖到此处",
    r"Uploading (\d+)\s+files?\.*": "正在上传 $1 个文件……",
    "Remove this file": "移除此文件",
    "File upload": "上传文件",
    "Remove Image": "移除图片",
    "Capture from camera": "用摄像头拍摄",
    "Capture": "拍摄",
    "Capture photo": "拍照",
    "Stop Recording": "停止录制",
    "Paste from clipboard": "从剪贴板粘贴",
    "Click to Access Webcam": "点击以使用摄像头",
    "select input source": "选择输入来源",
    "Empty value": "空",
    "Table actions": "表格操作",
    "Copy table data": "复制表格数据",
    "Open cell menu": "打开单元格菜单",
    "Gradio footer navigation": "页脚导航",
    "detailed view of selected image": "所选图片的大图",
    r"Thumbnail (\d+) of (\d+)": "缩略图 $1/$2",
    "number input for (.*)": "$1：数值",
    "range slider for (.*)": "$1：滑块",
}
