"""The job type "train": one training from its first step, or its last state, to its report and model card."""
