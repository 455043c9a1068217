"""The tests. Run them from the checkout: the helpers that they share are `tests.support`."""
