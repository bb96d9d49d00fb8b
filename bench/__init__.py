"""``make bench``: exallm beside what users have today, measured in one run."""
