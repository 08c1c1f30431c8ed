"""Friendly names for runs ("brisk otter"); not identifiers: a user may give two runs the same name."""

import secrets
from collections.abc import Collection
from itertools import count, product

_ADJECTIVES = (
    "amber bold brave breezy bright brisk calm candid cheery clever cosy crisp curious dapper daring deft eager early easy "
    "fair fleet fond frank fresh gentle glad golden grand happy hardy honest humble jolly keen kind light lively loyal lucky "
    "lunar mellow merry mild neat nimble noble patient plucky polite proud quick quiet ready rosy sage silver snug solar "
    "spry steady sunny sure swift tidy upbeat vivid warm wise witty zesty"
).split()
_ANIMALS = (
    "badger beaver bison bunting camel cheetah crane curlew dingo dolphin dormouse eagle egret falcon ferret finch fox gazelle "
    "gecko gibbon goose grouse hare hedgehog heron hoopoe ibex impala jackdaw jay kestrel kite koala lark lemur linnet lynx "
    "magpie marmot marten mole moose newt ocelot okapi oriole osprey otter owl panda pelican pika plover puffin quail rabbit "
    "raven robin salmon seal shrew sparrow stoat stork swan swift tapir tern thrush toucan trout turtle vole walrus weasel wren yak"
).split()


_PAIRS = tuple(f"{adjective} {animal}" for adjective, animal in product(_ADJECTIVES, _ANIMALS))


def friendly_name(used: Collection[str] = ()) -> str:
    """Two random words that are not ``used`` yet; with a number once all are used."""
    used = set(used)
    rounds = (_PAIRS if number == 1 else [f"{pair} {number}" for pair in _PAIRS] for number in count(1))
    free = ([name for name in names if name not in used] for names in rounds)
    return secrets.choice(next(names for names in free if names))
