"""Run all measurements, print a table, then one line of JSON."""

import json
import platform
import sys

from tests.bench import (
    dialects,
    domains,
    duplicates,
    exports,
    inspection,
    labels,
    million_rows,
    overhead,
    page,
    painting,
    prediction,
    runs,
    training,
    whole_file_memory,
)
from trainer.settings import prepare_environment


def main() -> None:
    measurements = [page, painting, runs, inspection, dialects, prediction, exports, duplicates]
    if sys.platform == "linux":
        measurements += [million_rows, whole_file_memory]
    if training.TWEETS.is_file():
        measurements += [training, overhead, labels, domains]
    else:
        print(f"The training is not measured: the tweets in {training.TWEETS} are missing; they are not part of the project.")
    results: dict[str, object] = {}
    for measurement in measurements:
        measured = measurement.measure()
        measurement.show(measured)
        results |= measured
    print(json.dumps({**results, "machine": f"{platform.machine()}, Python {platform.python_version()}"}))


if __name__ == "__main__":
    # As in the app: otherwise OpenMP's threads spin, which changes every measurement.
    prepare_environment()
    main()
