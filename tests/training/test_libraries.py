"""Two threads may want torch and transformers at once: both get whole modules."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

TWO_AT_ONCE = """
import threading, traceback
from trainer.settings import prepare_environment
prepare_environment()
failed = []
def wanting(use):
    def run():
        try:
            use()
        except BaseException:
            failed.append(traceback.format_exc())
    return threading.Thread(target=run)
def page():
    from trainer.training.hardware import detect
    detect()
    import trainer.training.loop
def training():
    from trainer.training.encoders import catalogue, load_tokenizer
    load_tokenizer(catalogue()[0], max_length=64)
    import trainer.training.loop
threads = [wanting(page), wanting(training), wanting(training)]
[t.start() for t in threads]
[t.join() for t in threads]
print("".join(failed) or "whole")
"""


def test_first_imports_from_several_threads() -> None:
    done = subprocess.run([sys.executable, "-c", TWO_AT_ONCE], capture_output=True, text=True, cwd=ROOT, timeout=180, check=True)
    assert done.stdout.strip() == "whole", done.stdout
