"""Which column is the text and which the label, and why."""
