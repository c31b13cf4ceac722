"""The lists that Gradio 6.31 keeps of its temporary files: which must stay, and which it may hand out."""

from __future__ import annotations

from collections.abc import Collection

import gradio as gr

from resnet_demo.page.gradio_patches.reach import inside


def kept(page: gr.Blocks) -> set[str]:
    """Paths of the files that a page shows from its start on, such as examples."""
    return {path for block in page.blocks.values() for path in getattr(block, "keep_in_cache", ())}


def forget(page: gr.Blocks, paths: Collection[str]) -> None:
    """Take deleted files from the lists, which would grow without end."""
    for listed in inside(page, "temp_file_sets", __name__):
        listed.difference_update(paths)
