"""The command ``exallm``. Nothing else in the project imports this package."""
