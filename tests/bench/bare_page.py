"""The reference for the measurements: a bare Gradio page with one component of each type on our page. Run as a separate program.

Gradio reads GRADIO_SERVER_PORT.
"""

import gradio as gr


def build() -> gr.Blocks:
    with gr.Blocks() as blocks:
        gr.HTML("<h1>Bare</h1>")
        gr.State(None)
        gr.Timer(60)
        with gr.Tabs(), gr.Tab("One"), gr.Row(), gr.Column():
            gr.File()
            gr.Textbox()
            gr.Number()
            gr.Radio(["a", "b"])
            gr.Dropdown(["a", "b"])
            gr.Button("Press")
            gr.UploadButton()
            gr.Dataframe()
            with gr.Accordion("More", open=False):
                gr.HTML("more")
    return blocks


if __name__ == "__main__":
    build().launch(ssr_mode=False, enable_monitoring=False, quiet=True)
