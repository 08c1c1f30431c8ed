"""The door: read settings, build the page, launch. A Space's ``app_file``."""

import sys

from trainer.errors import UserError
from trainer.settings import Settings, prepare_environment


def main() -> int:
    """Serve the page until it is interrupted; returns the exit status."""
    prepare_environment()
    # Only now: gradio and torch read the environment when they are imported.
    from trainer.ui.serving import serve

    try:
        serve(Settings.from_environment())
    except UserError as error:
        print(error.message, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
