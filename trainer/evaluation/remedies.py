"""What to try against what diagnostics.py finds: phrases that depend on the recipe, so that nothing is suggested that is done already.

Knows no curves. Without the recipe it suggests only what is never wrong.
"""

from collections.abc import Sequence

from trainer.recipe import Recipe
from trainer.runs.view import RunView

_FEW_STEPS = 20
"""After fewer steps a fresh head has not learned, whatever the settings."""

_MANY_STEPS = 100
"""After this many steps it should have, even within the first epoch of a large file."""

_SMALL_RATE, _LARGE_RATE = 5e-6, 1e-3
"""Learning rates beyond these are unusual for fine-tuning a whole encoder (Devlin et al. 2019 took 2e-5 to 5e-5)."""

_LONG_WARMUP = 0.3
"""As a fraction of the steps; a longer warmup leaves few steps at a full learning rate."""

_SMALL_BATCH = 8


def as_suggestion(phrases: Sequence[str]) -> str:
    """ "Try this, that or the other."; "" without phrases."""
    if not phrases:
        return ""
    *others, last = phrases
    return f"Try {', '.join(others)} or {last}." if others else f"Try {last}."


def against_divergence(view: RunView, recipe: Recipe | None) -> list[str]:
    """For a loss that rises above its start."""
    phrases = _smaller_rate(view)
    if recipe is None or recipe.warmup < _LONG_WARMUP:
        phrases.append("more warmup")
    if recipe is not None and not recipe.max_grad_norm:
        phrases.append("gradient clipping (it is off)")
    return phrases or ["a larger batch size"]


def against_forgetting(view: RunView, recipe: Recipe | None) -> list[str]:
    """For a model that once distinguished the classes better than it does now."""
    phrases = _smaller_rate(view)
    if view.epochs != 1:
        phrases.append("fewer epochs")
    if recipe is not None and recipe.early_stopping is None:
        phrases.append("early stopping")
    return phrases or ["another seed"]


def against_ignorance(view: RunView, recipe: Recipe | None) -> list[str]:
    """For a model that has not learned."""
    if _few_steps(view):
        smaller = [f"a smaller batch size (it is {view.batch_size})"] if view.batch_size > _SMALL_BATCH else []
        return [_longer(view, recipe), *smaller, "more rows"]
    frozen = recipe is not None and recipe.frozen_epochs >= (view.epochs or 1)
    return [*(["an encoder that learns too (it is frozen now)"] if frozen else []), _another_rate(view, recipe), _longer(view, recipe)]


def _longer(view: RunView, recipe: Recipe | None) -> str:
    """How it would train longer: more epochs do not help if the present ones were not completed."""
    if view.live or view.last_logged_step >= view.total_steps:
        return "more epochs"
    if view.status == "finished" and recipe is not None and recipe.early_stopping is not None:
        return f"early stopping that waits longer (it ended this training after {view.last_logged_step:,} of {view.total_steps:,} steps)"
    return "training it to its end (Resume)"


def for_rare_classes(recipe: Recipe | None) -> str:
    """For a model that predicts only one class, which may have most of the rows."""
    weighted = recipe is not None and recipe.class_weights == "balanced"
    return f"If one class has most of the rows, try {'' if weighted else 'class weights “balanced” or '}more rows of the rare classes."


def against_overfitting(view: RunView, recipe: Recipe | None, *, too_long: bool) -> list[str]:
    """For memorized rows, besides more rows; ``too_long`` if the best model was not the last one."""
    phrases = []
    ended_early = not view.live and view.last_logged_step < view.total_steps
    if too_long and view.epochs != 1 and not ended_early:
        phrases.append("fewer epochs")
    if recipe is None:
        return phrases
    if too_long and recipe.early_stopping is None:
        phrases.append("early stopping")
    if not recipe.label_smoothing:
        phrases.append("some label smoothing")
    if recipe.dropout == 0:
        phrases.append("dropout of the head")
    if not recipe.weight_decay:
        phrases.append("some weight decay")
    return phrases


def _few_steps(view: RunView) -> bool:
    first_epoch = view.epoch_steps[0] if view.epoch_steps else view.total_steps
    return view.last_logged_step < max(_FEW_STEPS, min(first_epoch, _MANY_STEPS))


def _smaller_rate(view: RunView) -> list[str]:
    """The advice to lower the learning rate; none if it is very small already."""
    rate = view.learning_rate
    if rate is None:
        return ["a smaller learning rate"]
    if rate <= _SMALL_RATE:
        return []
    return [f"a smaller learning rate (it is {_format_rate(rate)}; a tenth of that is {_format_rate(rate / 10)})"]


def _another_rate(view: RunView, recipe: Recipe | None) -> str:
    """In which direction to change the learning rate, if its value tells. A default rate is proven for the encoder, however large it is."""
    rate = view.learning_rate
    if rate is None:
        return "another learning rate"
    if rate >= _LARGE_RATE and not (recipe is not None and recipe.learning_rate is None):
        return _smaller_rate(view)[0]
    if rate <= _SMALL_RATE:
        return f"a larger learning rate (it is {_format_rate(rate)}, which is very small)"
    return f"another learning rate (it is {_format_rate(rate)}; three times that, or a third)"


def _format_rate(number: float) -> str:
    """2e-05 -> "0.00002"."""
    return f"{float(f'{number:.2g}'):.9f}".rstrip("0").rstrip(".")


def nothing_is_lost(view: RunView, now: int) -> str:
    """Says that nothing is lost, if the kept weights are older than those of step ``now``, which went wrong."""
    step = view.kept.step
    if step is None or step >= now or (view.status in ("failed", "interrupted") and not view.has_model):
        return ""
    so_far = " so far" if view.live else ""
    return f" Nothing is lost: the model that is kept{so_far} is an earlier one, of step {step:,}."
