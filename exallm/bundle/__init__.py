"""One file that holds all of an installation, for databases without a network."""
