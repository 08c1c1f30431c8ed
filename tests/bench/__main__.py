"""Run the measurements, print a table, then one line of JSON."""

import json
import platform

from tests.bench import page


def main() -> None:
    found = page.measure()
    print("From start to the page's first answer, seconds (median of 5, in turn)")
    print(f"  a bare one-textbox Gradio page   {found['bare_gradio_page_seconds']:6.2f}")
    print(f"  Emotune                          {found['page_seconds']:6.2f}")
    print(f"  later by                         {found['page_later_by_seconds']:6.2f}   (allowed: 1.50)")
    print(json.dumps({**found, "machine": f"{platform.machine()}, Python {platform.python_version()}"}))


if __name__ == "__main__":
    main()
