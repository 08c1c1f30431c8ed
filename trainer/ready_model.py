"""The model that a server offers to everybody: trained on the sample when there is none yet, so that a new visitor gets an answer at once.

It is a run like any other, whose owner is the server itself; who may look at it: ``RunStore.get``.
"""

from contextlib import suppress

from trainer.errors import UserError
from trainer.presets import LEVELS
from trainer.recipe import Recipe
from trainer.workspace import Workspace

NAME = "the model of our sample"


def prepare_ready_model(workspace: Workspace, encoder: str) -> None:
    """Load the server's model, or queue its training, which takes half a minute on two quiet cores. ``workspace`` is that of the server itself.

    Raises UserError if it cannot be queued now.
    """
    views = workspace.library.runs()
    ready = next((view for view in views if view.has_model and not view.live and workspace.models.is_complete(view.id)), None)
    if ready is not None:
        # Loading takes longer than a visitor should wait.
        workspace.models.predict(ready.id, [NAME])
        # The training rows are read once, by the server, as visitors start no job for it.
        workspace.similar.search(ready.id, NAME)
        return
    if any(view.status == "queued" for view in views):
        return
    workspace.delete_everything()
    draft = workspace.drafts.open_sample().draft
    try:
        recipe, _ = workspace.recipe_for_level(draft.id, LEVELS[0], Recipe(encoder=encoder))
        run = workspace.start(draft.id, recipe, level=LEVELS[0])
    finally:
        with suppress(UserError, OSError):
            workspace.drafts.remove(draft.id)
    workspace.library.rename(run.id, NAME)
