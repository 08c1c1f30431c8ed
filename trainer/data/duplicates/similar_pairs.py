"""Pairs of texts that have nearly all letters in common, found without comparing every pair, and texts that could not be compared.

Expects normalized texts and forms no groups; one_letter_pairs.py finds all texts that differ in one letter.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from trainer.data.duplicates.letter_blocks import Block, letter_blocks, text_lengths

MIN_SIMILARITY = 92.0  # per cent of the letters of both texts that are in both, in order (rapidfuzz's ratio)

_GRAM = 5  # letters: two texts of 20 letters or more that are 92 % alike always have a common run of five
_ANCHORS = 32  # grams by which a text is looked up, each together with the next
_COMMON = 0.05  # ratio of the texts; grams that more of them have say little, and are anchors only if there are no others
_MAX_DEPTH = 4  # anchors of the longest keys
_MAX_EXHAUSTIVE = 5_000  # texts of which every pair is compared
_CROWD = 32  # texts with the same key, beyond which longer keys tell them apart, or only neighbours are compared
_BUCKET_PAIRS = 6_000_000  # of texts with the same key, for which there is time however many texts have it
_NEIGHBOURS = 3  # in alphabetical order
_LETTER_BINS = 32
_PAIRS = (3_000_000, 2)  # pairs, and pairs for each text, that are compared letter by letter, together
_OVERSAMPLING = 8  # times as many pairs of long texts are collected as there is time to compare; the likeliest of them are compared
_LETTER_PAIRS = 5 * 10**10  # sum over all pairs of the letters of one text times those of the other
_MIN_RARE_KEYS = 3  # keys of a text that few texts share; with fewer, and others that too many share, it counts as unchecked
_MIN_SHARED_ANCHORS = 5  # of 32; two similar texts have about fifteen in common even if typos are spread as badly as possible
_SLICE = 100_000  # keys or pairs at a time
_ROWS = 10_000  # texts at a time
_SEEN_BITS = 24  # of a hash, by which grams are counted
_MAX_SEEN = 65_535  # the count stops here
_TABLE_BITS = 22  # of a key, by which crowded ones are known
_PAIRS_PER_BATCH = 8_000  # pairs whose letters are counted, so that they stay in the processor's cache
_EVEN_BYTES, _SUM_OF_FOUR = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0001000100010001)
_FACTORS = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1)


@dataclass(frozen=True)
class SimilarPairs:
    """Pairs of positions among n texts, (p,) int64 each, the most similar first, and ``unchecked``, (n,) bool.

    Unchecked are texts that were not compared with all texts that are likely to be similar, since there are too many.
    """

    one: np.ndarray
    other: np.ndarray
    unchecked: np.ndarray


@dataclass(frozen=True)
class _Sketches:
    """What decides which of n texts are compared.

    ``grams``: (n, 32) uint32, the anchors in order, of which the first ``counts``, (n,) int64, are set; ``lengths`` and ``digits``, (n,);
    ``letters``: (n, 32) uint8, how often letters occur, several letters in one bin, at most 255.
    """

    grams: np.ndarray
    counts: np.ndarray
    lengths: np.ndarray
    digits: np.ndarray
    letters: np.ndarray

    def __len__(self) -> int:
        return len(self.counts)


def similar_pairs(texts: Sequence[str], digits: np.ndarray) -> SimilarPairs:
    """Pairs that are ``MIN_SIMILARITY`` per cent alike among n different texts in alphabetical order; both of a pair have the same ``digits``, (n,).

    Of few texts every pair is compared. Of more, each text is looked up by the smallest hashes of its grams (bottom-k sketch: Broder
    1997, On the resemblance and containment of documents), without grams that no other text has, so that typos hide little; by each two
    that follow each other, and if many texts have the same two, by three or four (as in Bawa, Condie & Ganesan 2005, LSH forest:
    self-tuning indexes for similarity search). Texts that still have too many like them are compared with their neighbours in
    alphabetical order, read from either end (Hernández & Stolfo 1995, The merge/purge problem for large databases).
    Texts whose letter counts differ too much are not compared letter by letter.
    """
    sketches = _sketch(texts, digits)
    unchecked = np.zeros(len(texts), bool)
    keys = _KeyCounts(sketches.counts - 1, np.zeros(len(texts), np.int64), np.zeros(len(texts), bool))
    affordable = _LETTER_PAIRS / max(1.0, float(np.square(sketches.lengths).mean())) if len(texts) else 0
    pairs = _Pairs(len(texts), min(_PAIRS[0], int(_OVERSAMPLING * affordable)) + _PAIRS[1] * len(texts))
    exhaustive = len(texts) <= _MAX_EXHAUSTIVE
    for one, other in _every_pair(sketches.lengths) if exhaustive else chain(_with_same_keys(sketches, keys), _neighbours(texts, keys)):
        possible = _possible(sketches, one, other)
        if not pairs.add(one[possible], other[possible]):
            unchecked[one[possible]] = unchecked[other[possible]] = True
    if not exhaustive:
        unchecked |= keys.too_common
    return _compared(texts, sketches, *pairs.distinct(), unchecked)


@dataclass(frozen=True)
class _KeyCounts:
    """Of n texts: ``total``, how many keys of two anchors each has; ``rare``, for how many of its keys all texts that share them are
    compared; ``crowded``, whether too many texts share one of its longest keys."""

    total: np.ndarray
    rare: np.ndarray
    crowded: np.ndarray

    @property
    def too_common(self) -> np.ndarray:
        """(n,) bool: the texts that share nearly all keys with too many others."""
        return self.rare < np.minimum(_MIN_RARE_KEYS, self.total)


class _Pairs:
    """Pairs of ``n_texts`` texts, each once, up to ``limit``."""

    def __init__(self, n_texts: int, limit: int):
        self._n_texts, self._limit = max(1, n_texts), limit
        self._codes: list[np.ndarray] = []
        self._n_pairs = 0
        self._full = False

    def add(self, one: np.ndarray, other: np.ndarray) -> bool:
        """Add pairs unless the limit is reached; whether they were added."""
        if self._full:
            return False
        self._codes.append(np.minimum(one, other).astype(np.int64) * self._n_texts + np.maximum(one, other))
        self._n_pairs += len(one)
        if self._n_pairs > 2 * self._limit:
            self._codes = [_distinct(np.concatenate(self._codes))]
            self._n_pairs = len(self._codes[0])
            self._full = self._n_pairs >= self._limit
        return True

    def distinct(self) -> tuple[np.ndarray, np.ndarray]:
        codes = _distinct(np.concatenate((np.empty(0, np.int64), *self._codes)))
        return codes // self._n_texts, codes % self._n_texts


# --- sketches -----------------------------------------------------------------------------------------------------------


def _sketch(texts: Sequence[str], digits: np.ndarray) -> _Sketches:
    """The 32 smallest hashes of each text's grams that another text has too; those that very many texts have come last."""
    seen = np.zeros(1 << _SEEN_BITS, np.uint16)
    letters = np.empty((len(texts), _LETTER_BINS), np.uint8)
    for block in letter_blocks(texts):
        hashes, _ = _grams(block, digits, spare=1.5)  # since the other text may be longer
        slots, counts = np.unique(hashes >> np.uint32(32 - _SEEN_BITS), return_counts=True)
        seen[slots] = np.minimum(seen[slots] + counts, _MAX_SEEN)
        bins = block.owners() * np.int32(_LETTER_BINS) + (block.codes % _LETTER_BINS).astype(np.int32)
        counts = np.bincount(bins, minlength=len(block.starts) * _LETTER_BINS)
        letters[block.first : block.stop] = np.minimum(counts, 255).reshape(-1, _LETTER_BINS)
    grams = np.zeros((len(texts), _ANCHORS), np.uint32)
    counts = np.zeros(len(texts), np.int64)
    common = np.uint16(min(_MAX_SEEN - 1, max(_CROWD, int(_COMMON * len(texts)))))
    for block in letter_blocks(texts):
        hashes, owners = _grams(block, digits)
        times = seen[hashes >> np.uint32(32 - _SEEN_BITS)]
        ordered = (owners.astype(np.uint64) << np.uint64(33)) | ((times > common).astype(np.uint64) << np.uint64(32)) | hashes
        ordered = _distinct(ordered[times > 1])
        owners = (ordered >> np.uint64(33)).astype(np.int64)
        starts, sizes = _bucket_sizes(owners)
        rank = np.arange(len(owners)) - np.repeat(starts, sizes)
        smallest = rank < _ANCHORS
        grams[block.first + owners[smallest], rank[smallest]] = ordered[smallest].astype(np.uint32)
        counts[block.first + owners[starts]] = np.minimum(sizes, _ANCHORS)
    single = counts == 1  # one letter over and over has a single gram, which forms a key with itself
    grams[single, 1] = grams[single, 0]
    counts[single] = 2
    return _Sketches(grams, counts, text_lengths(texts), digits, letters)


def _grams(block: Block, digits: np.ndarray, *, spare: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Hashes, uint32, of each text's runs of five letters, mixed with its digits, and the text of each, counted from 0 in the block.

    Of a long text only the smaller ones, ``spare`` times three times as many as needed: the others are never among the smallest.
    """
    n_grams = max(0, len(block.codes) - _GRAM + 1)
    codes = block.codes ^ np.uint32(0x5BD1E995)
    hashes = np.zeros(n_grams, np.uint32)
    for offset, factor in enumerate(_FACTORS):
        hashes += codes[offset : offset + n_grams] * np.uint32(factor)
    within = np.ones(len(block.codes), bool)
    for offset in range(_GRAM):  # no gram begins at the last letters of a text or at the blank after it
        within[np.maximum(block.starts + block.lengths - offset, 0)] = False
    hashes = hashes[within[:n_grams]]
    grams_per_text = np.maximum(block.lengths - _GRAM + 1, 0)
    hashes ^= np.repeat(digits[block.first : block.stop], grams_per_text)
    for shift, factor in ((15, 0x2C1B3C6D), (12, 0x297A2D39)):  # a finalizer, as in MurmurHash
        hashes ^= hashes >> np.uint32(shift)
        hashes *= np.uint32(factor)
    hashes ^= hashes >> np.uint32(15)
    owners = np.repeat(np.arange(len(grams_per_text), dtype=np.int32), grams_per_text)
    ratio = np.minimum(1, spare * 3 * _ANCHORS / np.maximum(grams_per_text, 1))
    likely = (
        np.flatnonzero(hashes <= np.repeat((2**32 * ratio - 1).astype(np.uint32), grams_per_text))
        if ratio.min(initial=1) < 1
        else slice(None)
    )
    return hashes[likely], owners[likely]


def _distinct(numbers: np.ndarray) -> np.ndarray:
    """The different numbers, ascending, like np.unique but several times faster; sorts in place."""
    numbers.sort()
    return numbers[np.append(True, numbers[1:] != numbers[:-1])] if len(numbers) else numbers


# --- candidates ---------------------------------------------------------------------------------------------------------


def _every_pair(lengths: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All pairs of texts of these lengths, (n,), without pairs whose lengths differ too much to be similar."""
    order = np.argsort(lengths, kind="stable")
    ascending = lengths[order]
    stops = np.searchsorted(ascending, ascending * (200 / MIN_SIMILARITY - 1) + 1e-6, side="right")
    for one, other in _with_followers(stops - np.arange(1, len(order) + 1)):
        yield order[one], order[other]


def _neighbours(texts: Sequence[str], counts: _KeyCounts) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of neighbours in alphabetical order, forwards and backwards, among the texts that share their keys with too many others."""
    forwards = np.flatnonzero(counts.too_common | counts.crowded)
    backwards = np.array(sorted(forwards.tolist(), key=lambda number: texts[number][::-1]), dtype=np.int64)
    for order in (forwards, backwards):
        for step in range(1, _NEIGHBOURS + 1):
            yield order[:-step], order[step:]


def _with_same_keys(sketches: _Sketches, counts: _KeyCounts) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of texts that share a key (only neighbours if too many share it); updates ``counts`` with the keys of each text."""
    owner_bits = len(sketches).bit_length()
    crowded: list[np.ndarray] = []
    for depth in range(2, _MAX_DEPTH + 1):
        packed = _packed_keys(sketches, crowded, owner_bits)
        crowd = _crowd(_bucket_sizes(packed >> np.uint64(owner_bits))[1])
        crowded_table = np.zeros(1 << _TABLE_BITS, bool)
        for begin, end in _slices(packed >> np.uint64(owner_bits)):
            keys = packed[begin:end] >> np.uint64(owner_bits)
            owners = (packed[begin:end] & np.uint64((1 << owner_bits) - 1)).astype(np.int32)
            starts, sizes = _bucket_sizes(keys)
            is_crowded = sizes > crowd
            crowded_table[keys[starts[is_crowded]] >> np.uint64(64 - owner_bits - _TABLE_BITS)] = True
            in_crowded = np.repeat(is_crowded, sizes)
            counts.rare[:] += np.bincount(owners[~in_crowded], minlength=len(sketches))
            counts.crowded[owners[in_crowded]] |= depth == _MAX_DEPTH
            yield from _within(owners, sizes, np.where(is_crowded, _NEIGHBOURS if depth == _MAX_DEPTH else 0, crowd))
        if not crowded_table.any():
            break
        crowded.append(crowded_table)


def _within(owners: np.ndarray, sizes: np.ndarray, reach: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of members of each bucket that are at most ``reach`` places apart; buckets are runs of ``owners`` of these ``sizes``."""
    following = np.repeat(np.cumsum(sizes), sizes) - np.arange(1, len(owners) + 1)
    for one, other in _with_followers(np.minimum(following, np.repeat(reach, sizes))):
        yield owners[one], owners[other]


def _with_followers(counts: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each position with each of the next ``counts``, (m,) int64, positions, in batches that take little memory."""
    ends = np.cumsum(counts)
    begin = 0
    while begin < len(counts):
        done = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, done + _SLICE, side="right")))
        one = np.repeat(np.arange(begin, end), counts[begin:end])
        first = ends[begin:end] - counts[begin:end] - done  # pair of each position
        yield one, one + 1 + np.arange(len(one)) - np.repeat(first, counts[begin:end])
        begin = end


def _bucket_sizes(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each run of equal keys among ascending keys starts, and how long it is."""
    starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])) if len(keys) else np.empty(0, np.int64)
    return starts, np.diff(np.append(starts, len(keys)))


def _crowd(sizes: np.ndarray) -> int:
    """The largest bucket of which all pairs are compared, so that there are not too many pairs."""
    buckets_by_size = np.bincount(sizes, minlength=_CROWD + 1)
    size = np.arange(len(buckets_by_size))
    return max(_CROWD, int(np.searchsorted(np.cumsum(buckets_by_size * size * (size - 1) // 2), _BUCKET_PAIRS, side="right")) - 1)


def _slices(keys: np.ndarray) -> Iterator[tuple[int, int]]:
    """Slices of ascending keys that never separate equal keys."""
    begin = 0
    while begin < len(keys):
        end = len(keys) if begin + _SLICE >= len(keys) else int(np.searchsorted(keys, keys[begin + _SLICE], side="right"))
        yield begin, end
        begin = end


def _packed_keys(sketches: _Sketches, crowded: Sequence[np.ndarray], owner_bits: int) -> np.ndarray:
    """The keys of 2 + len(crowded) anchors of all texts, ascending: uint64, with the text in the lowest bits.

    ``crowded``: for each smaller number of anchors a table by the keys' first bits; only keys in it are extended.
    """
    packed = [np.empty(0, np.uint64)]
    for first in range(0, len(sketches), _ROWS):
        grams = sketches.grams[first : first + _ROWS]
        wanted = np.arange(1, _ANCHORS + 1) <= sketches.counts[first : first + _ROWS, None]
        keys = _mixed(grams.astype(np.uint64))
        for depth, table in enumerate((None, *crowded), start=1):
            wanted = wanted[:, 1:] & (True if table is None else wanted[:, :-1] & table[keys[:, :-1] >> np.uint64(64 - _TABLE_BITS)])
            keys = _mixed(keys[:, :-1] ^ grams[:, depth:])
        owners = np.nonzero(wanted)[0] + first
        packed.append(keys[wanted] >> np.uint64(owner_bits) << np.uint64(owner_bits) | owners.astype(np.uint64))
    joined = np.concatenate(packed)
    joined.sort()
    return joined


def _mixed(keys: np.ndarray) -> np.ndarray:
    keys = keys * np.uint64(0x9E3779B97F4A7C15)
    keys ^= keys >> np.uint64(32)
    return keys * np.uint64(0xBF58476D1CE4E5B9)


# --- comparison ---------------------------------------------------------------------------------------------------------


def _possible(sketches: _Sketches, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The pairs, (q,) int64, that may be similar judging by their digits and letter counts, and so by their lengths."""
    batches = [np.empty(0, np.int64)]
    for begin in range(0, len(one), _PAIRS_PER_BATCH):
        first, second = one[begin : begin + _PAIRS_PER_BATCH], other[begin : begin + _PAIRS_PER_BATCH]
        both = np.take(sketches.lengths, first) + np.take(sketches.lengths, second)
        batches.append(begin + np.flatnonzero(_letter_difference(sketches, first, second) <= (1 - MIN_SIMILARITY / 100) * both + 1e-6))
    possible = np.concatenate(batches)
    return possible[sketches.digits[one[possible]] == sketches.digits[other[possible]]]


def _letter_difference(sketches: _Sketches, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(p,) uint64: the sum of the differences of their letter counts; at least so many letters are inserted or deleted between two texts."""
    first, second = np.take(sketches.letters, one, axis=0), np.take(sketches.letters, other, axis=0)
    # NumPy sums short rows slowly: the eight bytes of a word are summed by adding halves.
    words = (np.maximum(first, second) - np.minimum(first, second)).view(np.uint64)
    words = (words & _EVEN_BYTES) + ((words >> np.uint64(8)) & _EVEN_BYTES)
    words = words[:, 0] + words[:, 1] + words[:, 2] + words[:, 3]
    return (words * _SUM_OF_FOUR) >> np.uint64(48)


def _shared_anchors(sketches: _Sketches, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Anchors that the texts of each pair have in common, (p,) uint8."""
    shared = np.empty(len(one), np.uint8)
    for begin in range(0, len(one), _PAIRS_PER_BATCH):
        part = slice(begin, begin + _PAIRS_PER_BATCH)
        both = np.sort(np.concatenate((sketches.grams[one[part]], sketches.grams[other[part]]), axis=1), axis=1)
        shared[part] = np.count_nonzero((both[:, 1:] == both[:, :-1]) & (both[:, 1:] > 0), axis=1)
    return shared


def _compared(texts: Sequence[str], sketches: _Sketches, one: np.ndarray, other: np.ndarray, unchecked: np.ndarray) -> SimilarPairs:
    """The similar ones of the pairs; if comparing all takes too long, only those with the most anchors in common are compared."""
    from rapidfuzz import fuzz, process

    cost = sketches.lengths[one] * sketches.lengths[other]
    if cost.sum() > _LETTER_PAIRS:
        shared = _shared_anchors(sketches, one, other)
        order = np.argsort(np.uint8(_ANCHORS) - shared, kind="stable")
        affordable = np.cumsum(cost[order]) <= _LETTER_PAIRS
        skipped = order[~affordable & (shared[order] >= _MIN_SHARED_ANCHORS)]
        unchecked[one[skipped]] = unchecked[other[skipped]] = True
        one, other = one[order[affordable]], other[order[affordable]]
    scores = np.empty(len(one), np.float32)
    for begin in range(0, len(one), _SLICE):
        part = slice(begin, begin + _SLICE)
        pairs = ([texts[number] for number in one[part].tolist()], [texts[number] for number in other[part].tolist()])
        scores[part] = process.cpdist(*pairs, scorer=fuzz.ratio, score_cutoff=MIN_SIMILARITY)
    similar = np.flatnonzero(scores)
    one, other = one[similar], other[similar]
    order = np.lexsort((other, one, -scores[similar]))
    return SimilarPairs(one[order], other[order], unchecked)
