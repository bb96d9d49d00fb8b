"""Economics: what hosted calls cost against a model of one's own."""
