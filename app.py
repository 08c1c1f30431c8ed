"""Entry point of the server: read settings, build the page, serve it. A Space's ``app_file``."""

import argparse
import sys
from collections.abc import Sequence

from trainer.errors import UserError
from trainer.settings import Settings, prepare_environment


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python app.py", description="Serve Emotune's page.")
    parser.add_argument(
        "--public",
        action="store_true",
        help="serve everyone who can reach GRADIO_SERVER_NAME, each visitor apart from the others (EMOTUNE_MODE=public)",
    )
    return parser


def main(arguments: Sequence[str]) -> int:
    """Serve the page until interrupted; returns the exit status: 1 if that is not possible, 2 if strangers could use it or a setting is wrong."""
    public = build_parser().parse_args(arguments).public
    prepare_environment()
    # After the environment is set, which gradio and torch read when they are imported.
    from trainer.ui.launch import serve

    try:
        serve(Settings.from_environment(public=public))
    except UserError as error:
        print(error.message, file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
