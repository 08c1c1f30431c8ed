"""Train many runs in one server; print its resource usage after each as one JSON list.

python tests/faults/soak.py ENCODER_FOLDER CSV RUNS COUNT
"""

import json
import os
import sys
import tempfile
from pathlib import Path

from trainer.settings import LOCAL_OWNER, Settings, prepare_environment

prepare_environment()

import psutil  # noqa: E402

from tests.addresses import TIMEOUT_SECONDS  # noqa: E402
from trainer.recipe import Recipe  # noqa: E402
from trainer.studio import Studio  # noqa: E402
from trainer.training.encoders import local_encoder  # noqa: E402


def resource_usage(process: psutil.Process) -> dict[str, float]:
    temporary = sum(len(files) for _, _, files in os.walk(tempfile.gettempdir()))
    return {
        "megabytes": process.memory_info().rss / 2**20,
        "threads": process.num_threads(),
        "files": process.num_fds(),
        "temporary": temporary,
    }


def main(encoder: Path, path: Path, runs: Path, n_runs: int) -> None:
    workspace = Studio(Settings(runs_dir=runs, save_seconds=0), encoders=[local_encoder(encoder)]).for_owner(LOCAL_OWNER)
    recipe = Recipe(encoder=encoder.name, epochs=1, batch_size=16, learning_rate=1e-2, max_length=32)
    process, usages = psutil.Process(), []
    for seed in range(n_runs):
        view = workspace.train_files({"main": (path.name, path)}, Recipe(**{**recipe.to_dict(), "seed": seed}))
        view = workspace.wait(view.id, TIMEOUT_SECONDS)
        workspace.models.predict(view.id, ["happy sunny laugh"])
        workspace.library.reports(view.id)
        usages.append({"status": view.status, **resource_usage(process)})
    print(json.dumps(usages))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
