"""Jobs: whatever the server does for somebody who need not wait for it. Each has a type, an owner, a folder, progress, a stop and a result.

``registry`` lists the types; ``job_type`` says what a type is. A training is the type ``train``, and its folder is its run; jobs of other types
have a ``job_folder`` each, in which a function works. ``job`` is what anyone may see of a job, and ``store`` finds all of them.

``queue`` keeps ids in the order in which they came, in two lanes with a thread each, and calls a function with each: that of ``runner``, which does
a job as its type says. ``execution`` is one attempt at a job under its lock, and writes down how it ended. ``queue_limits`` refuses what is too much.
``owner_jobs`` is what one owner can do with jobs: page, terminal and HTTP use nothing else.
"""
