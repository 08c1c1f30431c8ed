"""Cross-validation of a recipe: one training for each fold, as part of a job that keeps what is done."""
