"""The page. The only folder that knows gradio; everything it does, the studio does."""

from trainer.ui.stub_files import write_no_stub_files

write_no_stub_files()
