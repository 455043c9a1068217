"""The tests. Run them from the checkout, because they import their shared helpers as `tests.support`."""
