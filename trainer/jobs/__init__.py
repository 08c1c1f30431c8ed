"""What the server does one after another: jobs that wait in a queue and are done by one thread.

``queue`` keeps ids in the order in which they came and calls a function with each. ``queue_limits`` refuses or warns when too many trainings
wait, there are too many runs, or the disk is nearly full. ``runner`` is the function that the server's queue calls: it does the job of a run,
in this process or in one for each GPU. ``train`` is the job itself.
"""
