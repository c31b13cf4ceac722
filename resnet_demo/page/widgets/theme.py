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
.masthead > .language {{ margin-left: auto; }}
.language nav {{ color: var(--body-text-color-subdued); white-space: nowrap; font-size: var(--text-md); }}
.language span {{ color: var(--body-text-color); font-weight: 600; }}
.language a {{ color: var(--link-text-color); text-decoration: underline; padding: 6px 2px; margin: 0; }}
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
  pointer-events: none;
}}
/* The camera's button stands above the icons, not under them. */
.photo [data-testid="webcam-video"] ~ .button-wrap {{ bottom: 52px !important; }}
.photo .source-selection button {{
  pointer-events: auto;
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

/* The viewer: the photo, its legend, its knobs. */
.viewer-frame {{
  position: relative; height: 380px; border: 1px solid var(--block-border-color); border-radius: 10px; overflow: hidden;
  display: flex; align-items: center; justify-content: center;
}}
.viewer-canvas {{ max-width: 100%; max-height: 100%; touch-action: pan-y; cursor: ew-resize; }}
.viewer.is-empty .viewer-canvas {{ display: none; }}
.viewer-empty {{ display: none; color: var(--body-text-color-subdued); margin: 0 !important; }}
.viewer.is-empty .viewer-empty {{ display: block; }}
.viewer-empty.is-error {{
  display: block; position: absolute; left: 8px; right: 8px; bottom: 8px; padding: 8px 12px; border-radius: 8px;
  background: var(--background-fill-primary); border: 1px solid #b4652d; color: var(--body-text-color);
}}
.viewer-frame:not([data-busy=""])::after {{
  content: attr(data-busy); position: absolute; top: 8px; right: 8px; padding: 2px 10px; border-radius: 12px;
  background: var(--background-fill-primary); color: var(--body-text-color); font-size: var(--text-sm);
}}
.viewer-legend {{
  display: flex; align-items: center; gap: 10px; margin: 8px 0; font-size: var(--text-sm);
  color: var(--body-text-color-subdued);
}}
.viewer-legend canvas {{ flex: 1; height: 10px; min-width: 40px; border-radius: 5px; }}
.viewer-knobs {{ display: grid; grid-template-columns: 1fr 1fr; gap: 8px 16px; }}
.viewer-knobs label {{ display: flex; flex-direction: column; gap: 3px; font-size: var(--text-sm); min-width: 0; }}
.viewer-knobs input {{ width: 100%; accent-color: var(--primary-600); }}
.viewer-knobs input[type=checkbox] {{ width: 24px; height: 24px; margin: 0; }}
.dark .viewer-knobs {{ color-scheme: dark; }}
.viewer-knobs select {{
  width: 100%; min-height: 34px; padding: 4px 8px; border-radius: 8px; border: 1px solid var(--input-border-color);
  background: var(--input-background-fill); color: var(--body-text-color); font-size: var(--text-md);
}}
.viewer-take {{ display: flex; flex-wrap: wrap; gap: 6px; margin-top: 10px; }}
.viewer-take button {{
  margin: 0 !important; padding: 4px 10px; border-radius: 8px; border: 1px solid var(--input-border-color);
  font-size: var(--text-sm);
  background: var(--background-fill-secondary); color: var(--body-text-color); cursor: pointer;
}}
.viewer-code {{ margin-top: 10px; font-size: var(--text-sm); }}
.viewer-code summary {{ cursor: pointer; color: var(--body-text-color-subdued); }}
.viewer-code p {{ display: flex; justify-content: space-between; margin: 8px 0 2px !important; }}
.viewer-code button {{
  padding: 0 10px; border-radius: 8px; border: 1px solid var(--input-border-color); cursor: pointer;
  background: var(--background-fill-secondary); color: var(--body-text-color);
}}
.viewer-code pre {{
  margin: 0 !important; padding: 8px 10px; border-radius: 8px; overflow-x: auto; white-space: pre;
  background: var(--background-fill-secondary); color: var(--body-text-color); font: 12px/1.5 var(--font-mono);
}}
.viewer-take button:hover:enabled {{ border-color: var(--primary-500); }}
.viewer :disabled {{ opacity: 0.5; cursor: default; }}

/* The list of classes: each is a button. Its height is kept free for five, so that nothing jumps. */
.classes {{ min-height: 330px; padding: 14px 16px; border: 1px solid var(--block-border-color); border-radius: 10px;
  background: var(--block-background-fill); }}
.classes h2 {{
  font: 600 1.6rem/1.25 {SERIF} !important; margin: 0 0 8px !important; min-height: 2rem; text-align: center;
  overflow-wrap: anywhere;
}}
.classes ol {{ list-style: none; margin: 0 !important; padding: 0 !important; display: grid; gap: 4px; }}
.classes li {{ margin: 0 !important; padding: 0 !important; }}
.classes li button {{
  display: grid; grid-template-columns: 1fr auto; gap: 2px 12px; width: 100%; padding: 5px 8px; border-radius: 8px;
  border: 1px solid transparent; background: none; color: var(--body-text-color); text-align: left; cursor: pointer;
  font-size: var(--text-md);
}}
.classes li button:hover {{ background: var(--background-fill-secondary); }}
.classes li button[aria-pressed="true"] {{ border-color: var(--primary-500); background: var(--color-accent-soft); }}
.classes .name {{ overflow-wrap: anywhere; }}
.classes .percent {{ font-variant-numeric: tabular-nums; color: var(--body-text-color-subdued); }}
.classes .bar {{ grid-column: 1 / -1; height: 5px; border-radius: 3px; background: var(--background-fill-secondary); }}
.classes .bar::before {{
  content: ""; display: block; height: 100%; width: calc(100% * var(--share)); min-width: 2px; border-radius: 3px;
  background: var(--primary-500);
}}
.classes-heat {{ margin: 10px 0 0 !important; color: var(--body-text-color-subdued); }}
.classes-facts p {{ margin: 4px 0 0 !important; }}

/* The line of words. */
.note-holder {{ padding: 0 !important; }}
/* What went wrong is said in the line itself; Gradio would lay the word Error over it, at times after a stop too. */
.note-holder [data-testid="status-tracker"]:has(.error) {{ display: none !important; }}
.note {{ padding: 12px 14px; border-left: 3px solid var(--primary-400); border-radius: 0 8px 8px 0;
  background: var(--background-fill-secondary); }}
.note p {{ margin: 0 0 4px; line-height: 1.45; color: var(--body-text-color); }}
.note p:last-child {{ margin: 0; }}
.note p.facts {{ color: var(--body-text-color-subdued); font-size: var(--text-md); }}
.note.alert {{ border-left-color: #b4652d; }}

/* Comparing: a card each, their places kept while they wait. */
.cards {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 14px; }}
.card {{
  border: 1px solid var(--block-border-color); border-radius: 10px; overflow: hidden; min-height: 380px;
  background: var(--block-background-fill); padding-bottom: 10px;
}}
.card.is-odd {{ border: 2px solid #b4652d; }}
.card h2 {{
  display: flex; justify-content: space-between; align-items: baseline; margin: 0 !important; padding: 8px 12px;
  font-size: var(--text-lg) !important;
}}
.card-mark {{
  font: 600 var(--text-sm)/1.4 var(--font); color: #fff; background: #9a4f1d; border-radius: 9px; padding: 0 8px;
}}
.card-picture {{ height: 170px; background: var(--background-fill-secondary); }}
.card-picture img {{ width: 100%; height: 100%; object-fit: contain; margin: 0 !important; }}
.card.is-waiting .card-picture {{ animation: waiting 1.4s ease-in-out infinite alternate; }}
@keyframes waiting {{ to {{ opacity: 0.4; }} }}
@media (prefers-reduced-motion: reduce) {{ .card.is-waiting .card-picture {{ animation: none; }} }}
.card-name {{ margin: 10px 12px 0 !important; font: 600 1.15rem/1.25 {SERIF}; overflow-wrap: anywhere; }}
.card-value {{ margin: 2px 12px 4px !important; font-variant-numeric: tabular-nums; }}
.card-bar {{ margin: 0 12px; height: 5px; border-radius: 3px; background: var(--background-fill-secondary); }}
.card-bar::before {{
  content: ""; display: block; height: 100%; width: calc(100% * var(--share)); min-width: 2px; border-radius: 3px;
  background: var(--primary-500);
}}
.card-unknown {{ margin: 6px 12px 0 !important; color: #9a4f1d; font-size: var(--text-sm); }}
.dark .card-unknown {{ color: #e0a070; }}
.card dl {{ margin: 8px 12px 0 !important; font-size: var(--text-sm); }}
.card dl div {{ display: flex; justify-content: space-between; gap: 8px; }}
.card dt {{ color: var(--body-text-color-subdued); font-weight: 400; }}
.card dd {{ margin: 0; text-align: right; font-variant-numeric: tabular-nums; }}
.curve {{ margin: 0; }}
.curve figcaption {{ font-weight: 600; margin-bottom: 4px; }}
.curve svg {{ width: 100%; max-width: 760px; height: auto; }}
.curve text {{ fill: var(--body-text-color-subdued); font: 12px var(--font); }}
.curve .depth {{ fill: var(--body-text-color); font-weight: 600; font-size: 14px; }}
.curve .grid {{ stroke: var(--border-color-primary); }}
.curve .path {{ fill: none; stroke: var(--primary-300); stroke-width: 2; }}
.curve .chosen {{ fill: var(--primary-600); stroke: var(--primary-600); stroke-width: 2; }}
.dark .curve .chosen {{ fill: var(--primary-400); stroke: var(--primary-400); }}
.curve .other {{ fill: var(--background-fill-primary); stroke: var(--primary-500); stroke-width: 2; }}

/* Many photos. The table is as long as it is: a part of the page that scrolls by itself would jump at each update. */
.note progress {{
  display: block; width: 100%; height: 8px; margin: 4px 0; appearance: none; border: 0; border-radius: 4px;
  overflow: hidden; background: var(--border-color-primary);
}}
.note progress::-webkit-progress-bar {{ background: var(--border-color-primary); }}
.note progress::-webkit-progress-value {{ background: var(--primary-500); }}
.note progress::-moz-progress-bar {{ background: var(--primary-500); }}
.many-table table {{
  width: 100%; border-collapse: collapse; border: 0 !important; font-size: var(--text-md); margin: 0;
  background: var(--background-fill-primary);
}}
.many-table tr {{ border: 0 !important; }}
.many-table th, .many-table td {{
  padding: 6px 10px !important; text-align: left; vertical-align: middle; color: var(--body-text-color);
  border: 0 !important; border-bottom: 1px solid var(--border-color-primary) !important; overflow-wrap: break-word;
}}
.many-table thead th {{ background: var(--background-fill-secondary); font-weight: 600; }}
.many-table tbody th {{ font-weight: 400; min-width: 84px; overflow-wrap: anywhere; }}
.many-table td:first-child {{ width: 76px; }}
.many-table img {{ display: block; width: 56px; height: 56px; object-fit: cover; border-radius: 6px; margin: 0; }}
.many-table small {{ color: var(--body-text-color-subdued); white-space: nowrap; }}
/* "Probably none of these", or what a file lacks, would push the table out of a phone. */
.many-table th small, .many-table td:nth-child(3) small {{ white-space: normal; }}
.many-table td.bad {{ color: var(--body-text-color-subdued); font-style: italic; }}
/* Live: the camera as a mirror, its points over it. */
.live {{ max-width: 860px; margin: 0 auto; }}
.live-stage {{
  position: relative; aspect-ratio: 4 / 3; max-height: 66vh; width: 100%; border-radius: 10px; overflow: hidden;
  border: 1px solid var(--block-border-color);
}}
.live-stage video, .live-stage canvas {{
  position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; transform: scaleX(-1); margin: 0;
}}
.live[data-state="off"] video, .live[data-state="off"] canvas {{ visibility: hidden; }}
.live-words {{
  position: absolute; left: 50%; top: 50%; transform: translate(-50%, -50%); width: max-content;
  max-width: min(90%, 34em); margin: 0 !important; padding: 8px 14px; border-radius: 8px; text-align: center;
  color: var(--body-text-color);
  background: var(--background-fill-primary);
}}
.live-words:empty {{ display: none; }}
.live[data-state="on"] .live-words {{ top: auto; bottom: 12px; transform: translateX(-50%); }}
.live-bar {{ display: flex; flex-wrap: wrap; align-items: center; gap: 10px 18px; margin-top: 12px; }}
.live-bar label {{ display: flex; align-items: center; gap: 8px; }}
.live-bar select {{
  min-height: 38px; padding: 4px 8px; border-radius: 8px; border: 1px solid var(--input-border-color);
  background: var(--input-background-fill); color: var(--body-text-color); font-size: var(--text-md);
}}
.live-switch {{
  min-height: 42px; padding: 6px 18px; border-radius: 10px; border: 0; font-weight: 600; cursor: pointer;
  background: var(--button-primary-background-fill); color: var(--button-primary-text-color);
}}
.live-switch:hover:enabled {{ background: var(--button-primary-background-fill-hover); }}
.live :disabled {{ opacity: 0.5; cursor: default; }}
.live-facts {{ margin: 0 !important; color: var(--body-text-color-subdued); font-variant-numeric: tabular-nums; }}

/* How it works: a page to read. */
.how {{ max-width: 960px; margin: 0 auto; }}
.how h2 {{ font: 600 1.4rem/1.3 {SERIF} !important; margin: 22px 0 6px !important; }}
.how p {{ margin: 0 0 10px !important; line-height: 1.6; max-width: 70ch; }}
.how-blocks {{ display: flex; flex-wrap: wrap; justify-content: center; align-items: flex-end; gap: 12px 48px; }}
.how-blocks figure {{ margin: 0; width: 300px; max-width: 100%; }}
.how-blocks figcaption {{ text-align: center; font-weight: 600; }}
.how-blocks svg {{ width: 100%; height: auto; display: block; }}
.how-blocks text {{ fill: var(--body-text-color); font: 14px var(--font); text-anchor: middle; }}
.how-blocks .small {{ fill: var(--body-text-color-subdued); font-size: 12px; }}
.how-blocks .start {{ text-anchor: start; }}
.how-blocks rect, .how-blocks circle {{ fill: var(--color-accent-soft); stroke: var(--primary-500); }}
.how-blocks .flow {{ fill: none; stroke: var(--body-text-color-subdued); stroke-width: 1.5; }}
.how-blocks .shortcut {{ fill: none; stroke: var(--primary-500); stroke-width: 3; }}
.how-blocks .tip {{ fill: var(--body-text-color-subdued); stroke: none; }}
.how-table {{ overflow-x: auto; margin: 10px 0; }}
.how-table table {{
  width: 100%; border: 0; border-collapse: collapse; margin: 0 !important; font-size: var(--text-md);
}}
.how-table tr {{ border: 0; }}
.how-table caption {{ text-align: left; color: var(--body-text-color-subdued); padding-bottom: 6px; }}
/* As wide as the window, also where the table is wider and scrolls. */
.how-table caption span {{ display: block; max-width: calc(100vw - 72px); }}
.how-table th, .how-table td {{
  padding: 7px 10px; border: 0; border-bottom: 1px solid var(--border-color-primary); text-align: left;
  white-space: nowrap; font-variant-numeric: tabular-nums;
}}
.how-table thead th {{ white-space: normal; vertical-align: bottom; }}

/* The part of a slider that is still to go is a light grey in both themes otherwise. */
.dark input[type="range"] {{ --neutral-200: #4a463e; }}

/* Depths without weights. */
{OFF} {{ opacity: 0.72; border-style: dashed !important; }}
.depths .wrap {{ gap: 6px; flex-wrap: nowrap; }}
.depths .wrap label {{
  flex: 1 1 0; min-width: 0; justify-content: center; padding: 8px 2px; font-size: var(--text-md);
}}
.depths .wrap label > span {{ margin-left: 4px; }}

/* On a phone the results come before the controls. */
@media (max-width: 760px) {{
  .heading h1 {{ font-size: 1.7rem; }}
  .heading p, .status span {{ font-size: var(--text-md); }}
  .masthead > .language {{ margin-left: 0; }}
  .columns {{ flex-direction: column !important; }}
  .columns > .column {{ display: contents; }}
  .columns > .column > * {{ min-width: 0 !important; max-width: 100%; width: 100%; }}
  .columns .picture.block {{ height: 320px !important; }}
  .many-table th:nth-child(5), .many-table td:nth-child(5) {{ display: none; }}
  .many-table th, .many-table td {{ padding: 6px !important; font-size: var(--text-sm); }}
  .columns .controls {{ order: 1; }}
  .columns .details {{ order: 2; }}
}}
"""

HEAD = '<meta name="color-scheme" content="light dark">'
