"""Each prints one table of figures; never part of the tests."""
