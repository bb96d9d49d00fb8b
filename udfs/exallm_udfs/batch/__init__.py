"""From rows to answers: read, prepare, generate, conclude, one step a module."""
