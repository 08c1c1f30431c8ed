"""The model that a server offers to everybody: trained on the sample when there is none yet, so that a new visitor gets an answer at once.

It is a run like any other, whose owner is the server itself; who may look at it: ``RunStore.get``.
"""

from contextlib import suppress
from dataclasses import replace

from trainer.errors import UserError
from trainer.presets import LEVELS
from trainer.recipe import Recipe
from trainer.workspace import Workspace

NAME = "the model of our sample"
_MAX_SECONDS = 40.0
"""Of its training: whoever comes first waits for it."""


def load_ready_model(workspace: Workspace) -> bool:
    """Load the server's model; False if there is none yet, and none on its way. ``workspace`` is that of the server itself."""
    views = workspace.library.runs()
    ready = next((view for view in views if view.has_model and not view.live and workspace.models.is_complete(view.id)), None)
    if ready is not None:
        # Loading takes longer than a visitor should wait.
        workspace.models.predict(ready.id, [NAME])
        # The training rows are read once, by the server, as visitors start no job for it.
        workspace.similar.search(ready.id, NAME)
        return True
    return any(view.status == "queued" for view in views)


def train_ready_model(workspace: Workspace, encoder: str) -> None:
    """Queue the training of the server's model in place of whatever it has. Raises UserError if it cannot be queued now."""
    workspace.delete_everything()
    draft = workspace.drafts.open_sample().draft
    try:
        recipe, level = _recipe(workspace, draft.id, encoder)
        run = workspace.start(draft.id, recipe, level=level)
    finally:
        with suppress(UserError, OSError):
            workspace.drafts.remove(draft.id)
    workspace.library.rename(run.id, NAME)


def _recipe(workspace: Workspace, draft_id: str, encoder: str) -> tuple[Recipe, str]:
    """The quickest level's recipe and the level; where that would take too long, a linear model on the unchanged encoder, which is of no level."""
    recipe, _ = workspace.recipe_for_level(draft_id, LEVELS[0], Recipe(encoder=encoder))
    if (workspace.estimate_seconds(draft_id, recipe) or 0.0) <= _MAX_SECONDS:
        return recipe, LEVELS[0]
    return replace(recipe, method="frozen"), ""
