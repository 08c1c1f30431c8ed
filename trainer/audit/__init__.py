"""Which labels of a file look wrong, and what somebody decided about them. Knows neither models that were trained here nor pages."""
