"""The command ``report``: the report of a run that is there already, on the terminal, as JSON or as one HTML file."""

import argparse
import json
import sys

from trainer.cli.report import more_lines, report_text
from trainer.errors import UnavailableError
from trainer.settings import LOCAL_OWNER, Settings


def report(options: argparse.Namespace) -> int:
    """Print the report of a run, or write it into a file."""
    from trainer.atomic import write_file
    from trainer.studio import Studio

    reports = Studio(Settings.from_environment()).for_owner(LOCAL_OWNER).reports
    if options.ordered is not None:
        reports.say_whether_ordered(options.run, options.ordered == "yes")
    found = reports.report(options.run)
    if options.html is not None:
        _, content = reports.html(options.run, with_texts=options.texts)
        try:
            write_file(options.html, content)
        except OSError as error:
            raise UnavailableError(
                f"{options.html} could not be written ({error.strerror or error}). Choose another place.", code="disk_not_writable"
            ) from error
        print(f"written: {options.html}", file=sys.stderr)
    print("\n".join([report_text(found.view, found.reports.test, found.result_checks), *more_lines(found)]))
    if options.json:
        print(json.dumps(found.to_dict()))
    return 0
