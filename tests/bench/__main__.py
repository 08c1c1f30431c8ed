"""Run all measurements, print a table, then one line of JSON."""

import json
import platform
import sys

from tests.bench import duplicates, inspection, million_rows, overhead, page, painting, prediction, runs, training
from trainer.data.corpus import build_corpus
from trainer.data.files.reading import read_table
from trainer.settings import prepare_environment


def main() -> None:
    results = page.measure()
    print("From start to the page's first answer, seconds (median of 5, in turn)")
    print(f"  a bare one-textbox Gradio page   {results['bare_gradio_page_seconds']:6.2f}")
    print(f"  Emotune                          {results['page_seconds']:6.2f}")
    print(f"  later by                         {results['page_later_by_seconds']:6.2f}   (allowed: 1.50)")
    results |= painting.measure()
    if "first_paint_ms" in results:
        print("First contentful paint, milliseconds (median of 7, in turn, nothing in the cache)")
        print(f"  a bare Gradio page with the same kinds of components   {results['bare_first_paint_ms']:6,}")
        print(f"  Emotune                                                {results['first_paint_ms']:6,}")
        print(f"  later by                                               {results['first_paint_later_by_ms']:6,}   (allowed: 500)")
    run_list = runs.measure()
    print("CPU time of our handlers with 1,000 finished runs in the folder, milliseconds")
    print(f"  the first listing                    {run_list['runs_first_look_ms']:8.1f}   (target: 500)")
    print(f"  a tick of the page without changes   {run_list['runs_tick_ms']:8.1f}   (allowed: 2)")
    print(f"  the list after a change               {run_list['runs_list_ms']:7.1f}")
    print("CPU time of a view of a run with a log of 100 MB, milliseconds")
    print(f"  the first one                        {run_list['long_log_first_look_ms']:8.1f}")
    print(f"  after one more point                 {run_list['long_log_point_ms']:8.1f}")
    results |= run_list | inspection.measure()
    print("Inspecting a file, whole processes in turn: pandas only reads it, Emotune also finds columns, labels, duplicates and problems")
    for name, rows, allowed in (("100k", "100,000 rows", "6 s"), ("1m", "1,000,000 rows", "60 s, 3,000 MB")):
        for program, key in (("pandas.read_csv, python engine", f"pandas_reads_{name}"), ("Emotune", f"inspect_{name}")):
            print(f"  {rows:<15} {program:<31} {results[f'{key}_seconds']:6.2f} s  {results[f'{key}_peak_mb']:5,} MB")
        print(f"  {'':<15} allowed: {allowed}")
    print(f"  20,000 equal column names, refused after the start-up in {results['wide_seconds_beyond_start']:.2f} s   (allowed: 0.50)")
    predicted = prediction.measure()
    prediction.show(predicted)
    results |= predicted
    near_duplicates = duplicates.measure()
    duplicates.show(near_duplicates)
    results |= near_duplicates
    if sys.platform == "linux":
        memory = million_rows.measure()
        million_rows.show(memory)
        results |= memory
    if training.TWEETS.is_file():
        results |= training.measure()
        print("Training on the 16,000 tweets, batch 64, packaged encoder, texts per second, in turn")
        print(f"  the tutorial's Trainer, fp32, padded to the longest text   {results['tutorial_samples_per_second']:7.1f}")
        print(f"  a Trainer with dynamic padding, fp32                       {results['dynamic_samples_per_second']:7.1f}")
        print(f"  Emotune                                                    {results['ours_samples_per_second']:7.1f}")
        ratios = f"{results['ratio_vs_tutorial']:.1f} and {results['ratio_vs_dynamic_padding']:.1f} times as fast"
        print(f"  {ratios}   (target: 7 and 4.2)")
        print(f"  a full redraw of the page while it trains, p95: {results['page_p95_ms_while_training']:.0f} ms   (allowed: 500)")
        results |= overhead.measure(build_corpus(read_table(training.TWEETS.read_bytes()), text=0, label=1))
        low, high = results["chart_overhead_quartiles"]
        by_thread, idle = results["chart_counted_percent"], results["idle_server_percent"]
        print("CPU time that charts, events and an open page add to the same training, per cent   (allowed: 2)")
        print(
            f"  median of {results['chart_pairs']} pairs of blocks of steps {results['chart_overhead_percent']:.1f}, half of them {low:.1f} to {high:.1f}"
        )
        print(f"  counted thread by thread {by_thread:.1f}, of which an idle server {idle:.1f}")
    else:
        print(f"The training is not measured: the tweets in {training.TWEETS} are missing; they are not part of the project.")
    print(json.dumps({**results, "machine": f"{platform.machine()}, Python {platform.python_version()}"}))


if __name__ == "__main__":
    # As in the app: otherwise OpenMP's threads spin, which changes every measurement.
    prepare_environment()
    main()
