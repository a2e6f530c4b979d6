"""What all tests share."""

from hypothesis import settings

# A busy machine is not a fault: no generated case may fail for the time that it took.
settings.register_profile("regard", deadline=None)
settings.load_profile("regard")
