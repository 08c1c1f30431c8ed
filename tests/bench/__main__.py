"""Run the measurements, print a table, then one line of JSON."""

import json
import platform
import sys

from tests.bench import duplicates, inspection, million_rows, overhead, page, painting, prediction, runs, training
from trainer.data.corpus import build_corpus
from trainer.data.files.reading import read_table
from trainer.settings import prepare_environment


def main() -> None:
    found = page.measure()
    print("From start to the page's first answer, seconds (median of 5, in turn)")
    print(f"  a bare one-textbox Gradio page   {found['bare_gradio_page_seconds']:6.2f}")
    print(f"  Emotune                          {found['page_seconds']:6.2f}")
    print(f"  later by                         {found['page_later_by_seconds']:6.2f}   (allowed: 1.50)")
    found |= painting.measure()
    if "first_paint_ms" in found:
        print("First contentful paint, milliseconds (median of 7, in turn, nothing in the cache)")
        print(f"  a bare Gradio page with the same kinds of components   {found['bare_first_paint_ms']:6,}")
        print(f"  Emotune                                                {found['first_paint_ms']:6,}")
        print(f"  later by                                               {found['first_paint_later_by_ms']:6,}   (allowed: 500)")
    many = runs.measure()
    print("CPU time of our handlers with 1,000 finished runs in the folder, milliseconds")
    print(f"  the first look at them all           {many['runs_first_look_ms']:8.1f}   (wanted: 500)")
    print(f"  a tick of the page without news      {many['runs_tick_ms']:8.1f}   (allowed: 2)")
    print(f"  the list, where something has changed {many['runs_list_ms']:7.1f}")
    print("CPU time of a view of a run whose log has 100 MB, milliseconds")
    print(f"  the first one                        {many['long_log_first_look_ms']:8.1f}")
    print(f"  after one more point                 {many['long_log_point_ms']:8.1f}")
    found |= many | inspection.measure()
    print("Inspecting a file, whole processes in turn: pandas reads it, ours also finds columns, labels, doubles and what is odd")
    for name, what, allowed in (("100k", "100,000 rows", "6 s"), ("1m", "1,000,000 rows", "60 s, 3,000 MB")):
        for who, key in (("pandas.read_csv, python engine", f"pandas_reads_{name}"), ("Emotune", f"inspect_{name}")):
            print(f"  {what:<15} {who:<31} {found[f'{key}_seconds']:6.2f} s  {found[f'{key}_peak_mb']:5,} MB")
        print(f"  {'':<15} allowed: {allowed}")
    print(f"  20,000 equal column names, refused after the start-up in {found['wide_seconds_beyond_start']:.2f} s   (allowed: 0.50)")
    predicted = prediction.measure()
    prediction.show(predicted)
    found |= predicted
    near = duplicates.measure()
    duplicates.show(near)
    found |= near
    if sys.platform == "linux":
        rows = million_rows.measure()
        million_rows.show(rows)
        found |= rows
    if training.TWEETS.is_file():
        found |= training.measure()
        print("Training on the 16,000 tweets, batch 64, packaged encoder, texts a second in turn")
        print(f"  the tutorial's Trainer, fp32, padded to the longest text   {found['tutorial_samples_per_second']:7.1f}")
        print(f"  a Trainer with dynamic padding, fp32                       {found['dynamic_samples_per_second']:7.1f}")
        print(f"  Emotune                                                    {found['ours_samples_per_second']:7.1f}")
        ratios = f"{found['ratio_vs_tutorial']:.1f} and {found['ratio_vs_dynamic_padding']:.1f} times as many"
        print(f"  {ratios}   (wanted: 7 and 4.2)")
        print(f"  a full redraw of the page while it trains, p95: {found['page_p95_ms_while_training']:.0f} ms   (allowed: 500)")
        found |= overhead.measure(build_corpus(read_table(training.TWEETS.read_bytes()), text=0, label=1))
        low, high = found["chart_overhead_quartiles"]
        counted, idle = found["chart_counted_percent"], found["idle_server_percent"]
        print("CPU time that charts, events and the watched page add to the same training, per cent   (allowed: 2)")
        print(
            f"  median of {found['chart_pairs']} pairs of blocks of steps {found['chart_overhead_percent']:.1f}, half of them {low:.1f} to {high:.1f}"
        )
        print(f"  counted thread by thread {counted:.1f}, of which a server that nobody asks {idle:.1f}")
    else:
        print(f"The training is not measured: it needs the tweets in {training.TWEETS}, which are not part of the project.")
    print(json.dumps({**found, "machine": f"{platform.machine()}, Python {platform.python_version()}"}))


if __name__ == "__main__":
    # As the app does: without it OpenMP's threads spin, and every figure is of another program.
    prepare_environment()
    main()
