"""The job type of checks of labels. A job's folder holds the rows as they were when it was started, and the result."""
