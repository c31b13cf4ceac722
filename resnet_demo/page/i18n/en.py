"""Every text of the page in English."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


EN = {
    # The frame
    "title": "What a ResNet sees",
    "tagline": "Name a flower, mark a face, and see which part of the photo decided.",
    "switch": "Language",
    "info": "About this page",
    "getting_ready": "Getting the networks ready …",
    "running_on": "Running on {device} · {engine}",
    "no_index": "No weights are installed",
    "tab_flowers": "Classify",
    "tab_faces": "Faces",
    "tab_number": "Number",
    "tab_compare": "Compare",
    # Regions
    "region_all": "Whole face",
    "region_jaw": "Jaw",
    "region_brows": "Brows",
    "region_nose": "Nose",
    "region_eyes": "Eyes",
    "region_mouth": "Mouth",
    # Inputs
    "photo": "Your photo",
    "photo_new": "New photo",
    "photo_camera": "Take a photo",
    "photo_capture": "Take the photo",
    "photo_cancel": "Cancel",
    "photo_examples": "Examples",
    "photo_example": "Example",
    "photo_drop": "Drop the photo here",
    "photo_failed": "The photo did not reach the server. Look whether it still runs, then choose the photo again.",
    "photo_full": "Full resolution",
    "photo_full_hint": "The photo travelled scaled to 1600 pixels. Send it in its own resolution: small faces need it.",
    "credits_flowers": (
        'Photos: <a href="https://www.flickr.com/photos/vultilion/6056698931/" target="_blank" rel="noreferrer">'
        "vultilion</a> (CC BY 2.0), Caroline Ford (GPL 2), Stéfan van der Walt (CC0)"
    ),
    "credits_faces": "Photos: Pete Souza, White House; NASA (public domain)",
    "credits_compare": (
        'Photos: <a href="https://www.flickr.com/photos/vultilion/6056698931/" target="_blank" rel="noreferrer">'
        "vultilion</a> (CC BY 2.0), Caroline Ford (GPL 2), Pete Souza, White House (public domain)"
    ),
    "task": "What to look for",
    "depth": "Depth",
    "depths": "Depths",
    "depths_missing": "No weights yet for {depths}.",
    "depths_none": "No weights yet for any depth.",
    "depths_download": "Downloaded when first used: {depths}.",
    "downloading": "Downloading {network}",
    "top_k": "How many classes",
    "target": "Show heat for",
    "target_top": "Most likely",
    "region": "Part of the face",
    "retry": "Try again",
    # Outputs
    "classes": "Most likely",
    "overlay": "Where it looked",
    "keypoints": "Keypoints",
    "face_cam": "Where it looked for them",
    "details": "Raw data (JSON)",
    "gallery": "Where each depth looked",
    "table": "Side by side",
    "column_depth": "Depth",
    "column_label": "Top label",
    "column_probability": "Probability",
    "column_milliseconds": "Time (ms)",
    "column_parameters": "Params (M)",
    "column_gflops": "GFLOPs",
    "column_metric": "Test metric",
    "column_network": "Network",
    # Sentences
    "hint_classes": "Choose a photo: its most likely classes appear here. Click one to see what speaks for it.",
    "hint_faces": "Choose a photo with one or more faces: each gets its 68 points.",
    "hint_points": "Choose a photo: its keypoints appear on it.",
    "hint_number": "Choose a photo: its number appears here, and on the photo what raises and lowers it.",
    "hint_compare": "Choose a photo: every depth names it and shows where it looked.",
    "facts": "{network} · {milliseconds} ms · {backend}",
    "heat_for": "Heat for {label} ({probability}). Click another class to see what speaks for it.",
    "heat_none": "Nothing in this photo speaks for {label}: its heat is empty.",
    "gpu_full": "The GPU's memory is full, so the CPU answered.",
    "gpu_failed": "The GPU failed, so the CPU answered.",
    "rows_missing": "The file ends too early: {share} % of the photo's rows are missing.",
    "dimmed": "The network looked only at the bright part.",
    "few_pixels": "It sees the photo as {side} × {side} pixels.",
    "faces_none": (
        "No face found in this photo. Try one where a face is larger, brighter or turned more to the camera."
    ),
    "faces_one": "<b>1 face</b>, {points} points.",
    "faces_many": "<b>{count} faces</b>, {points} points each.",
    "points_many": "<b>{count} points</b>.",
    "pose": "Head turned {yaw}° {side}, {pitch}° {height}, tilted {roll}° {way}.",
    "pose_left": "to the picture's left",
    "pose_right": "to the picture's right",
    "pose_up": "up",
    "pose_down": "down",
    "pose_clockwise": "clockwise",
    "pose_anticlockwise": "anticlockwise",
    "points_heat": "The warmest places moved them most. Choose a region, or a direction below the photo.",
    "number_error": "On {count} test pictures it was off by {error} on average.",
    "number_heat": "Red places raise the number, blue ones lower it.",
    "points_short": "{count} points",
    "caption": "{network} · {label}",
    "compared_one": "One depth has weights so far. More appear here as they are trained.",
    "compared_alone": "Tick more depths to compare them.",
    "faces_short": "{count} faces",
    "face_short": "1 face",
    "no_weights": "There is no ResNet-{depth} for {task} yet, its weights are still to be trained. Choose {depths}.",
    "no_weights_at_all": "There are no weights for {task} yet. Train some with `python -m resnet_demo train`.",
    "no_photo": "Choose a photo first.",
    "no_depth": "Choose at least one depth.",
    "bad_depth": "{depth} is no depth of a ResNet here. Choose {depths}.",
    "bad_top_k": "The number of classes must be a whole number from 1 to 10.",
    "not_classes": "{task} names no classes. Use the Faces tab or the endpoint /keypoints for it.",
    "not_points": "{task} has no keypoints. Use the Classify tab or the endpoint /classify for it.",
    "photo_gone": "This photo is no longer on the server. Choose it again.",
    "unexpected": "Something went wrong on the server, and its log says what. Try again or choose another photo.",
    "server_file": "A file of this network on the server is missing or damaged, and its log says which. "
    "Choose another task or depth.",
    "disk_full": "The server has no room for files just now. Try again later.",
    "too_large_now": "This is too large for the server just now. Try again in a minute, or choose a smaller photo.",
    "http_bad": "These inputs cannot be used: the page's list of endpoints says what each one takes.",
    "http_refused": "This file is not for everybody: choose a photo of your own.",
    "http_not_found": "There is nothing at this address: the page's list of endpoints says what there is.",
    "http_too_large": "This file is larger than the server takes: choose a smaller one.",
    "http_too_much": "That is more than one visitor may upload in ten minutes. Try again later.",
    "http_busy": "The server is busy just now. Try again in a minute.",
    "stopping": "The server is being stopped. Try again in a minute.",
    "notice": "Please note",
    # Metrics
    "metric_top1": "{value} % top-1",
    "metric_nme": "NME {value} % ({source})",
    "metric_nme_plain": "NME {value} %",
    "metric_top1_axis": "top-1 accuracy (%)",
    "metric_nme_axis": "NME on {source} (%, lower is better)",
    "metric_nme_plain_axis": "NME (%, lower is better)",
    "metric_none": "not measured yet",
    # Is the heat true?
    "truth_lead": "Hide what is hot: if the heat is true, the class falls.",
    "truth_fifth": "Hide the hottest fifth",
    "truth_brush": "Brush",
    "truth_brush_keys": "Paint on the picture; or move with the arrow keys and press Enter.",
    "truth_undo": "Undo",
    "truth_clear": "Clear",
    "truth_draw": "Draw the curves",
    "truth_drawing": "Looking at 64 pictures …",
    "truth_same": "{label}: {before} → {after}. It is still the most likely.",
    "truth_moved": "{label}: {before} → {after}. The most likely is now {best} ({share}).",
    "truth_deletion": "Hidden, the hottest first: area {heat}, in a random order {random}.",
    "truth_insertion": "Uncovered, the hottest first: area {heat}, in a random order {random}.",
    "truth_deletion_axis": "share of the picture that is hidden",
    "truth_insertion_axis": "share of the picture that is sharp",
    "truth_better": "The heat knows more than chance.",
    "truth_worse": "The heat knows no more than chance.",
    # The viewer
    "viewer_empty": "The heat appears here",
    "viewer_busy": "Computing …",
    "viewer_looking": "Looking …",
    "viewer_lost": "The server does not answer. Check the connection and try again.",
    "viewer_compare": "Compare depths with this photo",
    "viewer_truth": "Is the heat true?",
    "viewer_take": "Download",
    "viewer_show": "Show",
    "viewer_points": "Points",
    "viewer_heat": "Heat",
    "viewer_spread": "Spread",
    "viewer_spread_hint": (
        "A ring around each point, three times as wide as its spread over eight views of the face, mirrored and "
        "turned. It says how steady the point is, not how right. Eight more passes a face."
    ),
    "viewer_opacity": "Strength",
    "viewer_split": "Before and after",
    "viewer_look": "Colours",
    "viewer_colours": "Colour map",
    "viewer_greys": "Photo in greys",
    "viewer_stage": "Detail",
    "viewer_stage_layer4": "coarse",
    "viewer_stage_layer3": "medium",
    "viewer_stage_layer2": "fine",
    "viewer_stage_layer1": "finest",
    "viewer_direction": "Heat shows",
    "viewer_direction_any": "overall pull",
    "viewer_direction_across": "sideways",
    "viewer_direction_down": "up and down",
    "viewer_low": "weak evidence",
    "viewer_high": "strong evidence",
    "viewer_across_low": "pulls left",
    "viewer_across_high": "pulls right",
    "viewer_down_low": "pulls up",
    "viewer_down_high": "pulls down",
    "viewer_take_overlay": "Overlay (PNG)",
    "viewer_take_heat": "Heat (PNG)",
    "viewer_take_npy": "Heat (NumPy)",
    "viewer_take_csv": "Points (CSV)",
    "viewer_take_json": "Points (JSON)",
    "viewer_code": "Use in code",
    "viewer_copy": "Copy",
    "viewer_copied": "Copied",
    "answer_gone": "This answer was too long ago. Choose the photo again.",
    "facts_title": "About this class",
    "unsure": "Not sure",
    "unsure_lead": "Looks most like:",
    "fact_name": "Also",
    "fact_right": "In tests",
    "fact_share": "right on {right} of {shown} photos of this class ({share})",
    "fact_taken": "Often confused with",
    "fact_times": "{label} ({count}×)",
    "unknown": "Probably none of these: this photo is unlike those that the network knows.",
    "unknown_short": "probably none of these",
    # Comparing
    "comparing": "{done} of {count} depths have looked.",
    "agree": "All {count} depths say the same: <b>{label}</b>.",
    "disagree": "<b>The depths disagree.</b>",
    "says": "{depths}: <b>{label}</b>",
    "clause": "; ",
    "stop": ".",
    "listed": "{most} and {last}",
    "spread": (
        "Their points lie {mean} % of the distance between the eyes from the mean of all depths; "
        "{network}'s lie farthest."
    ),
    "card_time": "Time",
    "card_parameters": "Parameters",
    "card_gflops": "GFLOPs",
    "card_metric": "Test",
    "card_spread": "From the mean",
    "card_differs": "differs",
    "curve_title": "What depth costs and brings: {metric} against time",
    "curve_time": "milliseconds of one photo through the network (log scale)",
    "take_csv": "Comparison (CSV)",
    # The terminal
    "serving": "The page is on http://{host}:{port}",
    "port_bad": "PORT must be a number from 1 to 65535, not {port!r}.",
    "port_taken": "Port {port} is taken: stop what uses it, or choose another, such as PORT=7861.",
    "port_refused": "The page cannot listen on {host}, port {port}: choose another with HOST and PORT.",
    "limit_bad": "{name} must be a whole number such as {usual}, not {value!r}.",
    "temp_refused": "No files of visitors can be kept in {folder} ({reason}): name another folder in GRADIO_TEMP_DIR.",
    # Live
    "tab_live": "Camera",
    "live_start": "Start the camera",
    "live_stop": "Stop the camera",
    "live_depth": "Depth of the ResNet",
    "live_hint": (
        "Start the camera: each face gets its 68 points while you move. Small pictures go to the server that runs this "
        "page, which looks at them and keeps none. For a still photo there is the tab Faces."
    ),
    "live_asking": "Allow this page to use the camera: your browser is asking.",
    "live_waiting": "Waiting for the first points …",
    "live_nobody": "No face in sight. Come closer or turn to the camera.",
    "live_facts": "{rate} frames a second · network {milliseconds} ms of {total} ms · faces: {faces}",
    "live_stopped": "The camera is off.",
    "live_insecure": (
        "Browsers give the camera to secure pages only: open this page by https, or as localhost on the machine itself."
    ),
    "live_refused": (
        "This page may not use the camera. Allow it beside the address of the page, then start the camera again."
    ),
    "live_no_camera": "No camera was found. Connect one and start again, or choose a photo in the tab Faces.",
    "live_camera_busy": "The camera is in use elsewhere. Close the other program, then start the camera again.",
    "live_camera_gone": "The camera stopped giving pictures. Connect it again, then start the camera again.",
    "live_lost": "The server does not answer. Look whether it still runs, then start the camera again.",
    "live_no_weights": "There are no weights for face keypoints yet. Train some with `python -m resnet_demo train`.",
    "live_broken": "The camera's picture came to the server damaged. Start the camera again.",
    "live_too_large": "The camera's picture is too large for the server. Start the camera again.",
    # What the example photographs show, for screen readers
    "example_right": "The photo shows: {name}. The network is right.",
    "example_wrong": "The photo shows: {name}. The network is wrong here.",
    "example_none": "The photo shows: {name}. As far as we know none of the classes is its kind, so any name is wrong.",
    "example_dahlia": "Dahlia",
    "example_daffodil": "Daffodil",
    "example_cat": "A cat",
    "example_two-people": "Two people",
    "example_astronaut": "An astronaut",
    "example_president": "A president",
    # How it works
    "tab_how": "How it works",
    "how_title_residual": "A block adds to what it is given",
    "how_residual": (
        "A residual network is a stack of blocks. Each computes a correction F(x), the residual, and adds it to its "
        "own input x; F(x) + x goes on. The shortcut, the line past the convolutions, carries x unchanged."
    ),
    "how_identity": (
        "A block that has nothing to correct leaves F(x) at zero and passes on what it got. So a deeper network can "
        "start from all that a shallower one does, and in training the gradient reaches the first layers along the "
        "shortcuts. Without them, He and others (2015) found 34 layers to be worse than 18, already on the training "
        "pictures."
    ),
    "how_basic": "Basic block",
    "how_basic_words": "x goes through two convolutions and, along the shortcut, past them; the sum of both goes on.",
    "how_bottleneck": "Bottleneck",
    "how_bottleneck_words": (
        "x goes through three convolutions, of which the first narrows and the last widens its channels, and along the "
        "shortcut past them; the sum of both goes on."
    ),
    "how_convolution": "convolution",
    "how_channels": "channels",
    "how_title_kinds": "Five depths",
    "how_kinds": (
        "ResNet-18 and 34 are made of basic blocks. From 50 on, a bottleneck narrows the channels to a quarter, looks "
        "round with its one 3 × 3 convolution, and widens them again: more layers for little more work. Each "
        "convolution is followed by a batch normalisation. Where a stage halves the picture or widens it, its first "
        "shortcut is a 1 × 1 convolution, so that the shapes fit."
    ),
    "how_working": (
        "A block works where leaving it out changes the answers of the flowers network by at least one percent of "
        "their spread. The deeper flowers networks divide the blocks of a shallower one into smaller steps, trained "
        "further. The deepest face networks here (101 and 152) got new blocks instead, and many of these have "
        "hardly learned: such a network is deeper in name only. Differences between the depths also come from the "
        "photos that each was trained on."
    ),
    "how_table": "The depths side by side",
    "how_caption": "Counted from the code, for flowers at",
    "how_column_depth": "Depth",
    "how_column_kind": "Block",
    "how_column_blocks": "Blocks in the four stages",
    "how_column_layers": "Layers",
    "how_column_working": "Blocks that work",
    "how_column_parameters": "Parameters (M)",
    "how_column_gflops": "GFLOPs",
    "how_column_flowers102": "102 flowers, top-1 (%)",
    "how_column_faces68": "Face keypoints, NME (%)",
    "how_title_cam": "What the heat shows",
    "how_cam": (
        "At the end, the last feature map is averaged over its cells, and one linear layer weighs the averages. So a "
        "class' score is a plain sum over the cells: each adds its channels times the class' weights. Grad-CAM of the "
        "last stage shows exactly what each cell adds, and nothing where a cell speaks against the class. It needs no "
        "gradient and no second pass, and is there for every class at once. Earlier stages are finer and need a "
        "backward pass. A cell of the last stage stands for 32 × 32 pixels of what the network sees (for 8 × 8 in a "
        "network for small pictures), so the heat shows a place, not an outline."
    ),
    "how_points": (
        "A keypoint's x and y come out of the same kind of layer. There the heat shows which places of the face move "
        "the points of a region, and, by direction, which way they pull."
    ),
    "how_title_numbers": "What the numbers mean",
    "how_numbers": (
        "A probability shares out 100 % among the classes that the network knows, so a photo of something else gets an "
        "answer too. Top-1 is the share of test photos whose most likely class is right. NME is the mean distance of "
        "the points from the truth, in percent of the distance between the outer corners of the eyes: lower is better. "
        "GFLOPs are the multiplications of one answer, each with its addition, in billions. Milliseconds are those of "
        "the machine that this page runs on."
    ),
    # Many photos at once
    "tab_many": "Many photos",
    "many_files": "Your photos, or a zip of them",
    "many_run": "Look at all",
    "many_stop": "Stop",
    "many_csv": "Table as CSV",
    "many_table": "Results, one line a photo",
    "many_photo": "Photo",
    "many_file": "File",
    "many_label": "Label",
    "many_probability": "Probability",
    "many_second": "Second label",
    "many_faces": "Faces",
    "many_points": "Points",
    "hint_many": "Drop many photos, or a zip of them: each gets a line here as soon as it is done.",
    "many_going": "{done} of {total} done …",
    "many_named": "<b>{good} of {total}</b> named.",
    "many_named_bad": "<b>{good} of {total}</b> named, {bad} could not be read.",
    "many_found": "<b>{good} of {total}</b> looked at: {faces} faces.",
    "many_found_bad": "<b>{good} of {total}</b> looked at: {faces} faces. {bad} could not be read.",
    "many_marked": "<b>{good} of {total}</b> marked.",
    "many_marked_bad": "<b>{good} of {total}</b> marked, {bad} could not be read.",
    "many_stopped": "Stopped after {done} of {total}; what is done stays.",
    "many_right": "Of the photos in folders named as classes <b>{right} of {total}</b> are named right "
    "({share}; 95 % interval {low} to {high}).",
    "many_no_truth": "In no such folder: {count}.",
    "many_other": "others",
    "many_alike": "Most like {name}",
    "many_alike_hint": "Press a photo to see which others look most like it (1 is the same).",
    "many_none": "Choose photos first, or a zip of them.",
    "many_empty": "There is no file in this archive: choose another.",
    # Photos that programs send, or name by their address
    "photo_form": "A photo is an upload, a public http(s) address or a data URL (data:image/jpeg;base64,…): send one.",
    "photo_large": "This photo is larger than {size} MB: choose a smaller one.",
    "fetch_refused": "The address {url} is not on the public internet: upload the photo, or send it as a data URL.",
    "fetch_failed": "The photo at {url} could not be fetched: check the address, or upload the photo.",
    "fetch_large": "The file at {url} is larger than {size} MB: choose a smaller photo.",
    # Ways to write
    "on": "{engine} on {device}",
    "percent": "{value} %",
    "separator": ", ",
    "or": " or ",
    # Teach
    "tab_teach": "Teach",
    "teach_trunk": "Start from",
    "teach_class": "Name of the class",
    "teach_class_hint": "such as cats",
    "teach_files": "Its photos, or a zip with a folder for each class",
    "teach_camera": "Take photos with the camera",
    "teach_camera_photo": "Camera",
    "hint_teach": (
        "Name a class and drop its photos, then the next one. Or drop a zip with a folder for each class. From two "
        "classes of two photos on it can name others; twenty of each are a good start."
    ),
    "teach_going": "{done} of {total} photos looked at …",
    "teach_more": "Now another class: two classes of two photos are the least.",
    "teach_right": (
        "<b>{right} of {total}</b> photos named right ({share}), each by what the others taught (leave-one-out)."
    ),
    "teach_try_it": "Try another photo, or download what was taught.",
    "teach_bad": "{count} could not be used:",
    "teach_bad_more": "and {count} more",
    "teach_list": "Classes so far",
    "teach_count": "{count} photos",
    "teach_count_one": "1 photo",
    "teach_remove": "Remove {label}",
    "teach_matrix": "Photos by their class (rows) and by what they were taken for (columns)",
    "teach_taken_for": "taken for",
    "teach_cell": "{count} of {label}, taken for {found}: show them",
    "teach_cell_right": "{count} of {label}, named right: show them",
    "teach_cell_photos": "{label}, taken for {found}",
    "teach_cell_photos_right": "{label}, named right",
    "teach_try": "Try a photo",
    "hint_teach_try": "Once two classes are taught: choose a photo that it has not seen.",
    "teach_task": "Name of the task",
    "teach_task_hint": "such as my-pets",
    "teach_download": "Download the checkpoint",
    "teach_use": "Use it, or train all layers on the same photos (that takes longer, and more of them help):",
    "teach_no_name": "Which class is this? Type its name and press Enter; the photos wait.",
    "teach_none": "Nothing is taught yet: two classes of two photos are the least.",
    "teach_classes": "At most {most} classes can be taught here: `resnet-demo teach` on your machine takes any number.",
    "teach_photos": (
        "There are {there} photos, and {more} more would be over the limit of {most}: `resnet-demo teach` on your "
        "machine takes any number."
    ),
    "teach_mb": (
        "These files are more than {most} MB together: scale the photos down, or run `resnet-demo teach` on your "
        "machine."
    ),
    # The lab
    "tab_lab": "Lab",
    "lab_title_blocks": "Take a block out",
    "lab_lead_blocks": (
        "Press a block: its residual branch is set to zero, so that only its shortcut is left, and the network answers "
        "again. Several may be out at once."
    ),
    "lab_hint": "Choose a photo: the network's blocks appear above, and its answer with and without them here.",
    "lab_blocks": "Blocks of the network; pressed ones are left out",
    "lab_block": "Leave out block",
    "lab_back": "Put all back",
    "lab_each": "Try each",
    "lab_looking": "Looking …",
    "lab_whole": "Whole network",
    "lab_without": "Without {blocks}",
    "lab_none_out": "Press a block above: the answer without it appears here.",
    "lab_heat": "Heat for {label}",
    "lab_said_whole": "All {count} blocks are in: <b>{label}</b>, {share}.",
    "lab_said_same": "{out} of {count} blocks out, and it still says <b>{label}</b>: {before} before, {after} now.",
    "lab_said_other": (
        "{out} of {count} blocks out, and it says <b>{other}</b> ({now}). {label} had {before} and has {after}."
    ),
    "lab_trying": "{done} of {total} blocks tried …",
    "lab_tried_title": "This photo: what {label} loses without each block",
    "lab_tried": "With all blocks {label} has {share}. Without {block} it loses most: {points} points.",
    "lab_points_unit": "points",
    "lab_shares_title": "Over {pictures} validation photos: what each block changes",
    "lab_shares_title_of": "Over {pictures} photos of {sources}: what each block changes",
    "lab_spread_unit": "% of the spread",
    "lab_all_work": (
        "All {count} blocks of this network do something: each changes its outputs by at least {least} % of their "
        "spread."
    ),
    "lab_some_work": (
        "<b>{working} of the {count} blocks of this network do anything.</b> Without any one of the other {idle} its "
        "outputs change by less than {least} % of their spread: it is deeper in name only."
    ),
    "lab_not_measured": "What each block does was not measured: `resnet-demo lesion {task} --depth {depth}` does it.",
    "lab_title_layers": "Gradients through the layers",
    "lab_lead_layers": (
        "A fresh network of 6n + 2 layers as He and others (2015) have it on CIFAR-10, that has learned nothing: one "
        "batch of eight random pictures of 16 × 16 pixels goes forwards, the gradient goes backwards, here and now, "
        "from one seed. A plain network is the same without shortcuts."
    ),
    "lab_layers": "Layers",
    "lab_with": "With",
    "lab_shortcuts": "shortcuts",
    "lab_norm": "batch norm",
    "lab_residual": "ResNet-{depth} {norm}",
    "lab_plain": "Plain-{depth} {norm}",
    "lab_normed": "with batch norm",
    "lab_bare": "without batch norm",
    "lab_layers_said": (
        "<b>{name}: the first convolution's gradient is {ratio} times the last one's</b> ({first} and {last}), and "
        "what the layers give goes from {small} to {large}."
    ),
    "lab_layers_other": "{name}: {ratio} times.",
    "lab_axis_gradient": "Norm of each convolution's gradient",
    "lab_axis_activation": "Size of what each layer gives (root mean square)",
    "lab_axis_layer": "layer",
    "lab_recorded": (
        "Recorded with another batch: fresh networks of {depths} layers, 32 random pictures of 32 × 32 pixels, one "
        "seed (<code>resnet-demo lab gradients</code>). With batch norm the first convolution's gradient is "
        "{plain_shallow} times the last one's in Plain-{shallow} and {plain_deep} times in Plain-{deep}, but "
        "{with_shallow} times in ResNet-{shallow} and {with_deep} times in ResNet-{deep}. The deeper the network, the "
        "stronger its line."
    ),
    "lab_recorded_plain": "Plain networks",
    "lab_recorded_with": "ResNets",
    "lab_recorded_normed": "Recorded, with batch norm: norm of each convolution's gradient",
    "lab_recorded_bare": "Recorded, without batch norm: norm of each convolution's gradient",
    "lab_axis_place": "place in the network: 0 the first convolution, 1 the last",
    "lab_title_training": "Deeper without shortcuts is worse",
    "lab_lead_training": (
        "The experiment that the paper begins with: the same networks on CIFAR-10, by one recipe, with and without "
        "shortcuts. It takes hours, so these curves are recorded."
    ),
    "lab_training_said": (
        "<b>Without shortcuts {deep} layers end at an error of {plain_deep} on the very pictures they learn from, "
        "{shallow} layers at {plain_shallow}. With shortcuts it is {residual_deep} and {residual_shallow}.</b> A "
        "deeper network could do all that a shallower one does, so the plain one does not lack strength: it cannot be "
        "trained as well."
    ),
    "lab_training_how": (
        "{epochs} epochs of {pictures} pictures of {size} pixels, the mean of {seeds} seeds, {tests} pictures to test "
        "on."
    ),
    "lab_training_once": (
        "{epochs} epochs of {pictures} pictures of {size} pixels, one run of each network, {tests} pictures to test on."
    ),
    "lab_training_warmup": "The learning rate rises to {rate} over the first {warmup} of {steps} steps.",
    "lab_training_short": (
        "That is a shortened run: the paper has {epochs} epochs of {pictures} pictures of {size} pixels."
    ),
    "lab_training_errors": (
        "The error on the pictures that are learned from is a running mean over an epoch, of cropped and mirrored "
        "pictures and while the weights still change; the error on test pictures is measured after the epoch."
    ),
    "lab_trained_plain": "Plain-{depth}",
    "lab_trained_residual": "ResNet-{depth}",
    "lab_error_train": "Error on the pictures that are learned from, %",
    "lab_error_test": "Error on test pictures, %",
    "lab_axis_epoch": "epoch",
    "lab_title_traps": "Five traps of training",
    "lab_lead_traps": (
        "Mistakes that raise no error by themselves: what each costs where nothing guards against it, and what this "
        "project does. The figures are recorded (<code>resnet-demo lab traps</code>)."
    ),
    "lab_traps_how": (
        "Shares of photos named rightly are those of the bundled ResNet-18 of 102 flowers on {photos} of its test "
        "photos; dead channels and losses are those of fresh networks of 20 layers on {learned} training photos of 32 "
        "pixels."
    ),
    "lab_trap_eval": "<code>eval()</code> is forgotten",
    "lab_trap_eval_said": (
        "In training mode each batch norm uses the statistics of the batch: instead of {right} of the photos, {large} "
        "are named rightly in batches of 50, {small} in batches of 8 and {single} one by one, and then {after} in "
        "evaluation mode, as the kept statistics moved. A network that predicts in training mode without gradients "
        "warns."
    ),
    "lab_trap_shortcut": "A shortcut of 1 × 1 broadcasts",
    "lab_trap_shortcut_said": (
        "A shortcut that gives one cell is added to the whole map without an error: {wrong} of the photos are named "
        "rightly instead of {right}. A block refuses a shortcut of another shape than its branch, and the error names "
        "both shapes."
    ),
    "lab_trap_relu": "Dead ReLUs",
    "lab_trap_relu_said": (
        "Too high a learning rate makes channels zero for every picture, so that no gradient passes them: after "
        "{steps} steps of a plain network {few} of the channels of its worst stage are dead at a rate of {low}, and "
        "{many} at {high}. Training logs the share, warns from half of a stage's channels on, and ends with an error "
        "where all are dead."
    ),
    "lab_trap_head": "Layers that nothing moves",
    "lab_trap_head_said": (
        "A new head that is made after the optimizer is not among the weights that it moves: after {steps} steps the "
        "loss is {late}, as at the start, instead of {in_time}. Training ends before its second step and names such "
        "layers."
    ),
    "lab_trap_norms": "Batch norms learn while frozen",
    "lab_trap_norms_said": (
        "In training mode batch norms collect statistics although their weights are frozen: after {steps} batches of "
        "{batch} photos, with no weight moved, {wrong} of the photos are named rightly instead of {right}. Training "
        "keeps frozen parts in evaluation mode, and <code>train()</code> of a network with frozen batch norms warns."
    ),
    "lab_title_stages": "What a stage sees",
    "lab_lead_stages": (
        "The eight strongest channels of each stage on your photo, with the blocks that are in: those of the largest "
        "mean, each from its zero to its largest value. Below each are its number and its mean."
    ),
    "lab_stage": "{stage}: {channels} channels of {rows} × {columns}",
    "lab_channel": "Channel {channel}",
    "lab_title_numbers": "Numbers of the architecture",
    "lab_lead_numbers": "Counted from the records that build the networks.",
    "lab_arithmetic": (
        "Two 3 × 3 convolutions on 256 channels have {basic} weights. A bottleneck takes and gives 256 channels too "
        "and has {bottleneck}, {ratio} times fewer."
    ),
    "lab_table": "All depths, for a picture of 224 × 224, after Table 1 of He and others (2015)",
    "lab_output": "Output",
    "lab_published": "Published: top-5 error on ImageNet",
    "lab_published_note": (
        "An error over one network and one over the mean of several do not compare, nor do validation and test "
        "pictures quite; the six ResNets that won in 2015 had 3.57 % on the test pictures together (Table 5)."
    ),
    "lab_network": "Network",
    "lab_top5": "Top-5 error",
    "lab_how": "Measured",
    "lab_source": "Source",
    "lab_seven_test": "seven networks together, test pictures",
    "lab_seven_pretrained": (
        "seven networks together, two of them pre-trained on the ImageNet release of autumn 2011, test pictures; one "
        "network alone has 18.2 % on the validation pictures"
    ),
    "lab_one_val": "one network, validation pictures",
    "lab_from_compare": "Take blocks out of {network}",
}
