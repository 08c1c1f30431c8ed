"""Lists the files of an encoder on the Hugging Face Hub that a user named, and checks that they can be used. Downloads none of them."""

from collections.abc import Sequence
from fnmatch import fnmatch

from trainer.errors import ModelError, UnavailableError
from trainer.training.folder_check import WEIGHTS

_MAX_MEGABYTES = 3_000
"""The large encoders of the BERT family have up to 2,300."""


def list_encoder_files(repository: str, patterns: Sequence[str]) -> list[str]:
    """The files of these patterns that the Hub has of an encoder. Raises UserError if it cannot be used."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        info = HfApi().model_info(repository, files_metadata=True, token=False)
    except RepositoryNotFoundError as error:
        raise ModelError(
            f"The Hugging Face Hub has no public model called {repository}. Check the spelling, or choose an encoder from the list.",
            code="unknown_encoder",
        ) from error
    if info.gated:
        raise UnavailableError(
            f"{repository} is available only to people who have accepted its terms on the Hugging Face Hub. Choose another encoder.",
            code="encoder_unreachable",
        )
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    missing = [name for name in ("config.json", WEIGHTS) if name not in sizes]
    if missing:
        raise ModelError(
            f"The repository {repository} has no {missing[0]}, so it holds no encoder that can be used here. "
            "Choose one with files for transformers in the safetensors format.",
            code="encoder_damaged",
        )
    # Other formats, in folders of their own, are not used.
    wanted = [name for name in sizes if "/" not in name and any(fnmatch(name, pattern) for pattern in patterns)]
    megabytes = (sizes[WEIGHTS] + sum(sizes[name] for name in wanted if name != WEIGHTS)) / 1e6
    if megabytes > _MAX_MEGABYTES:
        raise ModelError(
            f"{repository} has {megabytes:,.0f} MB; at most {_MAX_MEGABYTES:,} MB are downloaded. Choose a smaller encoder.",
            code="encoder_too_large",
        )
    return wanted
