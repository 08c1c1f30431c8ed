"""Which labels of a file look wrong, how many and why, and what somebody decided about them.

Statistics on out-of-fold predictions and on texts that resemble each other. Knows neither models of torch nor pages: whoever has better
predictions hands them in.
"""
