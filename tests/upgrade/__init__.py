"""A real upgrade between two built wheels, under load: `make upgrade-test`."""
