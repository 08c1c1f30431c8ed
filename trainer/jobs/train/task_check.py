"""What a recipe asks for that cannot be had with several labels a text. recipe.py knows no task."""

from trainer.data.task import SINGLE_LABEL, Task
from trainer.errors import RecipeError
from trainer.recipe import Recipe


def require_possible(recipe: Recipe, task: Task) -> None:
    """Raise UserError ``not_for_this_task`` if texts with labels of this task cannot be trained on like that."""
    if task is SINGLE_LABEL:
        return
    if recipe.method == "contrastive":
        raise RecipeError(
            f"The method contrastive brings texts of the same class together, and with {task.name} there is no such class. Choose full or frozen.",
            code="not_for_this_task",
        )
