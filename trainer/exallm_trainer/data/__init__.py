"""Data: from sources of any form to examples that may be trained on."""
