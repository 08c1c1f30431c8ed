"""The job type ``train``: one training from its first step, or its last state, to its report and model card.

``train`` describes the type, and ``resume`` lets a run go on. ``pipeline`` does the work, in the server's thread or in processes that ``torchrun``
starts, whose main is ``torchrun_process``.
"""
