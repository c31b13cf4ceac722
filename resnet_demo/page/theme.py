"""The look: botanical paper, ink and leaf green, in light and dark. System fonts only, so nothing is fetched."""

from __future__ import annotations

import gradio as gr
from gradio.themes.utils import sizes
from gradio.themes.utils.colors import Color

SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Noto Sans CJK SC", "sans-serif")
SERIF = '"Iowan Old Style", "Palatino Linotype", Palatino, "Noto Serif", "Noto Serif CJK SC", Georgia, serif'
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


OFF = ", ".join(f".off-{n} label:nth-of-type({n})" for n in range(1, 6))
# Small rules that a theme's variables cannot say.
CSS = f"""
/* Gradio puts its own prefix before each selector inside @media, so what concerns the whole page stands outside. */
.gradio-container {{
  max-width: 1400px !important; width: 100% !important; margin: 0 auto !important;
  padding: 0 clamp(8px, 1.4vw, 20px) !important;
}}
.gradio-container, .gradio-container > .main, .gradio-container > .main > .wrap, .gradio-container main,
.gradio-container main > .column, .tabs, .tabitem, .tabitem > .column, .columns {{
  min-width: 0 !important; max-width: 100%;
}}
.gradio-container > .main {{ padding: 14px 4px !important; }}
.gradio-container .html-container {{ padding: 0 !important; }}
.masthead {{ align-items: center; justify-content: space-between; padding: 0 2px; flex-wrap: wrap; gap: 8px 24px; }}
.masthead > * {{ min-width: 0 !important; flex: 0 1 auto !important; width: auto !important; padding: 0 !important; }}
.heading h1 {{ font: 600 2rem/1.2 {SERIF}; margin: 0; letter-spacing: -0.01em; color: var(--body-text-color); }}
.heading p {{ margin: 2px 0 0; color: var(--body-text-color-subdued); font-size: var(--text-lg); }}
.status span {{
  display: inline-block; padding: 3px 12px; border-radius: 14px; font-size: var(--text-md); line-height: 1.5;
  border: 1px solid var(--border-color-primary); color: var(--body-text-color-subdued);
  background: var(--background-fill-primary);
}}
.columns {{ gap: 20px !important; }}
.columns > .column {{ gap: 14px !important; }}
.dark button[role="tab"][aria-selected="true"] {{ color: var(--primary-300) !important; }}
footer {{ margin-top: 18px !important; }}
footer .divider {{ display: none !important; }}

/* Pictures fill their frame, also small ones, and stand at the same height side by side. */
.picture {{ background: var(--background-fill-secondary) !important; }}
.picture .image-frame, .picture .image-frame img, .picture.result img {{
  width: 100% !important; height: 100% !important; object-fit: contain !important;
}}
.photo .upload-container {{ height: 100% !important; }}
.photo .source-selection {{
  position: absolute; z-index: 2; bottom: 0; left: 0; right: 0; border-top: 0; background: transparent;
}}
.photo .source-selection button {{
  background: var(--background-fill-primary); border: 1px solid var(--border-color-primary); border-radius: 999px;
}}

/* Thumbnails share the width. */
.example-holder .block > .gallery {{
  display: grid !important; grid-template-columns: repeat(3, 1fr); gap: 10px !important;
}}
.example-holder .gallery-item, .example-holder .gallery-item span, .example-holder .gallery-item .container {{
  display: block; width: 100% !important; height: 104px !important; max-width: none !important;
  max-height: none !important; border-radius: 8px; overflow: hidden;
}}
.example-holder .gallery-item .container {{ border: 0 !important; }}
.example-holder .gallery-item img {{
  width: 100% !important; height: 100% !important; object-fit: cover !important; object-position: 50% 30%;
}}
.credits, .credits p {{ font-size: var(--text-sm); color: var(--body-text-color-subdued); margin: 0; padding: 0; }}
.credits a {{ color: inherit; text-decoration: underline; margin: 0; padding: 0; }}

/* The list of classes: each is a button. Its height is kept free for five, so that nothing jumps. */
.classes.block {{ min-height: 276px; }}
.classes, .classes * {{ font-family: var(--font) !important; }}
.classes h2 {{ font-size: 1.6rem !important; padding: 18px 0 6px !important; }}

/* The line of words. */
.note-holder {{ padding: 0 !important; }}
.note {{ padding: 12px 14px; border-left: 3px solid var(--primary-400); border-radius: 0 8px 8px 0;
  background: var(--background-fill-secondary); }}
.note p {{ margin: 0 0 4px; line-height: 1.45; color: var(--body-text-color); }}
.note p:last-child {{ margin: 0; }}
.note p.facts {{ color: var(--body-text-color-subdued); font-size: var(--text-md); }}
.note.alert {{ border-left-color: #b4652d; }}

/* Comparing. */
#compare-gallery {{ min-height: 380px; }}
#compare-gallery .grid-wrap, #compare-gallery .grid-container {{
  height: auto !important; min-height: 0 !important; max-height: none !important;
}}
#compare-gallery .grid-wrap {{ padding-top: 34px; }}
#compare-gallery .grid-container {{ grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)) !important; }}
#compare-gallery .thumbnail-lg {{ aspect-ratio: auto !important; height: 236px !important; padding-bottom: 30px; }}
#compare-gallery .gallery-item:only-child .thumbnail-lg {{ height: 362px !important; }}
#compare-gallery .caption-label {{
  left: 0; right: 0; bottom: 0; max-width: none; height: 30px; border-left: 0; border-radius: 0; text-align: center;
}}
#compare-table, #compare-table * {{ font-family: var(--font) !important; }}
#compare-table th, #compare-table td {{ font-size: var(--text-md) !important; }}
#compare-table {{ min-height: 120px; }}

/* The part of a slider that is still to go is a light grey in both themes otherwise. */
.dark input[type="range"] {{ --neutral-200: #4a463e; }}

/* Depths without weights. */
{OFF} {{ opacity: 0.55; border-style: dashed !important; }}
.depths .wrap {{ gap: 6px; flex-wrap: nowrap; }}
.depths .wrap label {{
  flex: 1 1 0; min-width: 0; justify-content: center; padding: 8px 2px; font-size: var(--text-md);
}}
.depths .wrap label > span {{ margin-left: 4px; }}

/* On a phone the results come before the controls. */
@media (max-width: 760px) {{
  .heading h1 {{ font-size: 1.7rem; }}
  .heading p, .status span {{ font-size: var(--text-md); }}
  .columns {{ flex-direction: column !important; }}
  .columns > .column {{ display: contents; }}
  .columns > .column > * {{ min-width: 0 !important; max-width: 100%; width: 100%; }}
  #compare-table .table-wrap {{ overflow-x: auto; }}
  #compare-table .table-wrap > * {{ min-width: 780px; }}
  .columns .picture.block {{ height: 320px !important; }}
  .columns .controls {{ order: 1; }}
  .columns .details {{ order: 2; }}
  #compare-gallery.block, #compare-table.block {{ height: auto !important; }}
}}
"""

HEAD = '<meta name="color-scheme" content="light dark">'
