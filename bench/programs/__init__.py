"""Programs that the bench starts as processes of their own, most of them in other environments."""
