"""The look: botanical paper, ink and leaf green, in light and dark. System fonts only, so nothing is fetched."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from gradio.themes.utils import sizes
from gradio.themes.utils.colors import Color

SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Noto Sans CJK SC", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace")

LEAF = Color(
    *("#f1f7f2", "#dfece1", "#c3dbc8", "#98c0a2", "#699f78", "#47805a"),
    *("#366848", "#2c543b", "#254431", "#1f3829", "#0f1f16"),
    name="leaf",
)
PAPER = Color(
    *("#faf8f3", "#f3efe6", "#e7e1d4", "#d2cab9", "#a69d8b", "#7b7364"),
    *("#5f584c", "#48433a", "#2b2925", "#1e1d1a", "#131311"),
    name="paper",
)


def theme() -> gr.themes.Base:
    """The page's theme for ``launch``."""
    look = gr.themes.Base(
        primary_hue=LEAF,
        secondary_hue=LEAF,
        neutral_hue=PAPER,
        text_size=sizes.text_lg,
        spacing_size=sizes.spacing_md,
        radius_size=sizes.radius_md,
        font=SANS,
        font_mono=MONO,
    )
    return look.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color="#26302a",
        body_text_color_dark="#ebe7dc",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_100",
        background_fill_secondary_dark="*neutral_800",
        border_color_primary="*neutral_200",
        border_color_primary_dark="#3a3731",
        block_background_fill="#ffffff",
        block_background_fill_dark="*neutral_900",
        block_border_width="1px",
        block_border_color="*neutral_200",
        block_border_color_dark="#35322d",
        block_radius="10px",
        block_shadow="none",
        block_shadow_dark="none",
        block_label_background_fill="rgb(255 255 255 / 0.92)",
        block_label_background_fill_dark="rgb(30 29 26 / 0.92)",
        block_label_border_width="0px",
        block_label_text_color="*primary_700",
        block_label_text_color_dark="*primary_200",
        block_label_text_weight="600",
        block_title_text_color="*primary_700",
        block_title_text_color_dark="*primary_200",
        block_title_text_weight="600",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_400",
        link_text_color="*primary_600",
        link_text_color_dark="*primary_300",
        color_accent="*primary_500",
        color_accent_soft="*primary_50",
        color_accent_soft_dark="*primary_900",
        border_color_accent="*primary_500",
        border_color_accent_dark="*primary_400",
        slider_color="*primary_500",
        slider_color_dark="*primary_400",
        stat_background_fill="*primary_300",
        stat_background_fill_dark="*primary_600",
        loader_color="*primary_500",
        input_background_fill="#ffffff",
        input_background_fill_dark="*neutral_900",
        input_border_width="1px",
        input_border_color="*neutral_300",
        input_border_color_dark="#4a463e",
        input_border_color_focus="*primary_500",
        input_border_color_focus_dark="*primary_400",
        checkbox_label_background_fill="*neutral_50",
        checkbox_label_background_fill_dark="*neutral_800",
        checkbox_label_background_fill_hover="*primary_50",
        checkbox_label_background_fill_hover_dark="*primary_900",
        checkbox_label_background_fill_selected="*primary_100",
        checkbox_label_background_fill_selected_dark="*primary_800",
        checkbox_label_border_width="1px",
        checkbox_label_border_color="*neutral_300",
        checkbox_label_border_color_dark="#4a463e",
        checkbox_label_border_color_selected="*primary_500",
        checkbox_label_border_color_selected_dark="*primary_400",
        checkbox_background_color_selected="*primary_600",
        checkbox_background_color_selected_dark="*primary_500",
        checkbox_border_color_selected="*primary_600",
        checkbox_border_color_selected_dark="*primary_400",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#ffffff",
        button_large_radius="10px",
        table_even_background_fill="#ffffff",
        table_even_background_fill_dark="*neutral_900",
        table_odd_background_fill="*neutral_50",
        table_odd_background_fill_dark="*neutral_800",
    )


# What a theme's variables cannot say.
CSS = Path(__file__).with_name("page.css").read_text("utf-8")

HEAD = '<meta name="color-scheme" content="light dark">'
