"""What a statement does: sessions, transactions, the catalogue, results."""
