"""How many examples a property test tries: few in each run of the suite, many where ``make test-all`` looks for new ones."""

from hypothesis import settings

_MORE = 20


def examples(few: int) -> settings:
    """The settings of a test that tries ``few`` examples, or many times as many under the profile "explore"."""
    return settings(max_examples=few if settings().derandomize else _MORE * few)
