"""The page. The only folder that knows gradio; everything it does, the studio does."""
