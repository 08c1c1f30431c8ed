"""The theme: colours, sizes and fonts as gradio's variables. Styles without a variable are in assets/styles."""

import gradio as gr

_SIZES = gr.themes.Size(name="emotune", xxs="13px", xs="13px", sm="13px", md="15px", lg="15px", xl="20px", xxl="28px")
"""Four text sizes."""


def make_theme() -> gr.themes.Base:
    """Both light and dark have a contrast of at least 4.5 for all text (WCAG AA)."""
    theme = gr.themes.Base(
        primary_hue="indigo",
        neutral_hue="slate",
        text_size=_SIZES,
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "DejaVu Sans", "sans-serif"],
        font_mono=["ui-monospace", "Menlo", "DejaVu Sans Mono", "monospace"],
    )
    pairs = {
        "body_background_fill": ("#ffffff", "#0d1220"),
        "background_fill_primary": ("#ffffff", "#0d1220"),
        "background_fill_secondary": ("#f6f7fb", "#151c2e"),
        "block_background_fill": ("#ffffff", "#0d1220"),
        "input_background_fill": ("#ffffff", "#0d1220"),
        "body_text_color": ("#141a2a", "#eef1f8"),
        "body_text_color_subdued": ("#566079", "#a3adc6"),
        "block_label_text_color": ("#566079", "#a3adc6"),
        "block_title_text_color": ("#141a2a", "#eef1f8"),
        "border_color_primary": ("#dfe3ec", "#2c3654"),
        "input_border_color": ("#c6ccda", "#3a4668"),
        "color_accent_soft": ("#eeedfd", "#1f2145"),
        "link_text_color": ("#4f46e5", "#a09dff"),
        "button_primary_background_fill": ("#4f46e5", "#a09dff"),
        "button_primary_background_fill_hover": ("#4338ca", "#b7b5ff"),
        "button_primary_text_color": ("#ffffff", "#0d1220"),
        "button_secondary_background_fill": ("#ffffff", "#0d1220"),
        "button_secondary_background_fill_hover": ("#f6f7fb", "#151c2e"),
        "button_secondary_text_color": ("#141a2a", "#eef1f8"),
        "button_secondary_border_color": ("#dfe3ec", "#2c3654"),
        "button_border_width": ("1px", "1px"),
    }
    names = {name: light for name, (light, _) in pairs.items()} | {f"{name}_dark": dark for name, (_, dark) in pairs.items()}
    # Fields have a border, blocks have none: no boxes inside boxes.
    return theme.set(
        **names, input_border_width="1px", input_radius="8px", block_border_width="0px", block_padding="0px", block_radius="0px"
    )
