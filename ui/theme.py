"""Defines how the page looks."""

from pathlib import Path

import gradio as gr

ASSETS = Path(__file__).parent / "assets"
STYLES = (
    "tokens.css",
    "layout.css",
    "header.css",
    "library_menu.css",
    "fallback.css",
    "filters.css",
    "results.css",
    "cards.css",
    "messages.css",
    "explain.css",
    "viewer.css",
    "why.css",
    "selection.css",
    "parts.css",
    "uploads.css",
    "demo.css",
    "reports.css",
    "duplicates.css",
    "models.css",
    "trash.css",
)
SURFACES = {
    "body_background_fill": "*neutral_50",
    "body_background_fill_dark": "#0b1120",
    "body_text_color_subdued": "*neutral_600",
    "body_text_color_subdued_dark": "*neutral_400",
    "background_fill_primary": "*neutral_50",
    "background_fill_primary_dark": "#0b1120",
    "background_fill_secondary_dark": "#111a2e",
    "border_color_primary": "*neutral_200",
    "border_color_primary_dark": "#22304a",
    "block_background_fill": "white",
    "block_background_fill_dark": "#111a2e",
    "block_border_color": "*neutral_200",
    "block_border_color_dark": "#22304a",
    "block_border_width": "1px",
    "block_shadow": "none",
    "block_shadow_dark": "none",
    "block_label_background_fill": "transparent",
    "block_label_background_fill_dark": "transparent",
    "block_label_border_width": "0px",
    "block_label_border_width_dark": "0px",
    "block_title_text_weight": "400",
    "block_title_text_size": "*text_sm",
    "block_title_text_color": "*neutral_700",
    "block_title_text_color_dark": "*neutral_200",
    "block_info_text_color": "*neutral_600",
    "block_info_text_color_dark": "*neutral_400",
}
CONTROLS = {
    "input_background_fill": "white",
    "input_background_fill_dark": "#0e172a",
    "input_border_width": "1px",
    "input_border_color": "*neutral_300",
    "input_border_color_dark": "#2b3b58",
    "checkbox_label_background_fill": "*neutral_100",
    "checkbox_label_background_fill_dark": "#1b2840",
    "checkbox_background_color_dark": "#0e172a",
    "checkbox_border_color_dark": "#3a4c6c",
    "slider_color": "*primary_600",
    "slider_color_dark": "*primary_400",
    "button_primary_background_fill": "*primary_700",
    "button_primary_background_fill_hover": "*primary_800",
    "button_primary_background_fill_dark": "*primary_700",
    "button_primary_background_fill_hover_dark": "*primary_800",
    "button_primary_text_color": "white",
    "button_secondary_background_fill": "*neutral_100",
    "button_secondary_background_fill_hover": "*neutral_200",
    "button_secondary_background_fill_dark": "#1b2840",
    "button_secondary_background_fill_hover_dark": "#25365a",
}


def theme() -> gr.themes.Base:
    """Returns the theme of the page: its colours, fonts and sizes, light and dark."""
    base = gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_lg,
        font=[_font("IBM Plex Sans"), "ui-sans-serif", "system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )
    return base.set(**SURFACES, **CONTROLS)


def _font(name: str) -> gr.themes.LocalFont:
    # The bundled SemiBold files hold no Latin letters.
    return gr.themes.LocalFont(name, weights=(400, 700))
