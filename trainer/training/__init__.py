"""From rows and a recipe to a saved model and its probabilities. The only folder that knows torch and transformers."""
