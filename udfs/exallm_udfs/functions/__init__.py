"""The entry points that the bodies of the UDF scripts call."""
