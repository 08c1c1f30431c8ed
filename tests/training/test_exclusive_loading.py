"""What takes seconds to import: whole for each of two threads that want it at once, and no more of it than is needed."""

import gc
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from transformers import PreTrainedModel

from tests.addresses import TIMEOUT_SECONDS
from trainer.recipe import Recipe
from trainer.training.classifier import build_classifier, save_classifier
from trainer.training.encoder_loading import load_encoder, load_tokenizer
from trainer.training.encoders import Encoder
from trainer.training.exclusive_loading import load_libraries, load_training_libraries

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
    from trainer.training.hardware import detect_hardware
    from trainer.training.exclusive_loading import load_training_libraries
    detect_hardware()
    load_training_libraries()
    import trainer.training.trainer
def training():
    from trainer.training.encoder_catalogue import EncoderCatalogue
    from trainer.training.encoder_loading import load_tokenizer
    from trainer.training.exclusive_loading import load_training_libraries
    load_tokenizer(EncoderCatalogue().default, max_length=64)
    load_training_libraries()
    import trainer.training.trainer
threads = [wanting(page), wanting(training), wanting(training)]
[t.start() for t in threads]
[t.join() for t in threads]
print("".join(failed) or "whole")
"""


def test_first_imports_from_several_threads() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TWO_AT_ONCE], capture_output=True, text=True, cwd=ROOT, timeout=TIMEOUT_SECONDS, check=True
    )
    assert done.stdout.strip() == "whole", done.stdout


def test_garbage_is_collected_again_after_the_imports() -> None:
    for load in (load_libraries, load_training_libraries):
        for on in (True, False):
            (gc.enable if on else gc.disable)()
            try:
                load()
                assert gc.isenabled() is on
            finally:
                gc.enable()


def test_models_loaded_by_several_threads_leave_transformers_as_it_was(tiny_encoder: Encoder) -> None:
    tie_weights = PreTrainedModel.tie_weights
    try:
        with ThreadPoolExecutor(3) as threads:
            models = list(threads.map(lambda _: load_encoder(tiny_encoder, ("joy", "sadness")), range(18)))
        assert len(models) == 18
        assert PreTrainedModel.tie_weights is tie_weights
    finally:
        PreTrainedModel.tie_weights = tie_weights


_PREDICTING = """
import sys
from trainer.__main__ import main
status = main(["predict", sys.argv[1], "we sing at home"])
wanted = ("torch", "transformers")
needless = ("datasets", "pandas", "pyarrow", "peft", "sklearn", "plotly", "gradio", "rapidfuzz", "transformers.trainer",
            "trainer.drafts.editor", "trainer.studio", "trainer.training.trainer", "trainer.training.fit")
print(status, [name for name in wanted if name not in sys.modules], [name for name in needless if name in sys.modules])
"""


def test_a_prediction_imports_nothing_that_only_a_training_or_the_page_needs(tiny_encoder: Encoder, tmp_path: Path) -> None:
    recipe = Recipe(encoder="tiny-bert").resolved(train_rows=100, learning_rate=1e-3)
    save_classifier(build_classifier(tiny_encoder, ("joy", "sadness"), recipe), tmp_path)
    load_tokenizer(tiny_encoder, max_length=32).save_pretrained(tmp_path)
    done = subprocess.run([sys.executable, "-c", _PREDICTING, str(tmp_path)], capture_output=True, text=True, cwd=ROOT, check=True)
    assert "joy" in done.stdout
    assert done.stdout.splitlines()[-1] == "0 [] []"
