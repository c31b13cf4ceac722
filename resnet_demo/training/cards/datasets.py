"""What model cards say of each data set: source, licence, limits."""

from __future__ import annotations

from typing import Any

DATA: dict[str, dict[str, Any]] = {
    "flowers102": {
        "about": "Oxford 102 Flowers (Nilsback and Zisserman 2008), the official split: 1,020 / 1,020 / 6,149 pictures",
        "licence": "The pictures are for research; the weights are given for the same use.",
        "limits": "It knows 102 flowers common in Britain and nothing else: every photo gets one of these names, also "
        "one that shows no flower. Tulips and many other garden flowers are not among them.",
        "metadata": "nelorth/oxford-flowers",
    },
    "flowers5": {
        "about": "daisy, dandelion, rose, sunflower, tulip (the Kaggle set of photos from Flickr, Google and Yandex), "
        "near-duplicates removed: 2,561 / 427 / 640 pictures",
        "licence": "The pictures have no stated licence and belong to their photographers; the weights are given for "
        "research.",
        "limits": "It knows five flowers and nothing else: every photo gets one of these names, also one that shows "
        "another flower or none. The photos were found by search words, so the test split is as easy or hard as such "
        "photos are.",
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
    "imagenet1k": {
        "about": "ImageNet-1k (ILSVRC 2012, Russakovsky et al. 2015): 1,281,167 training pictures of 1,000 classes",
        "licence": "ImageNet's pictures are for non-commercial research; the weights are given for the same use.",
        "limits": "It knows 1,000 classes, 118 of them breeds of dogs, and nothing else: every photo gets one of their "
        "names, also one that shows none of them. Few classes are for people (ballplayer, groom, scuba diver) or "
        "flowers (daisy, rapeseed, yellow lady's slipper). ImageNet's photos were found by search words, mostly show "
        "one thing in the middle, and lean towards what North America and Europe put online; some of its labels are "
        "wrong, and some classes (sunglass and sunglasses, the two kinds of maillot) can hardly be told apart.",
        "metadata": "imagenet-1k",
    },
}


OWN_DATA: dict[str, Any] = {"about": "the user's own pictures", "licence": "", "limits": "", "metadata": None}
