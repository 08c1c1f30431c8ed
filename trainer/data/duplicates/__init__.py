"""Texts that occur twice, exactly or nearly: their normal form, pairs of them, and groups that a split keeps together."""
