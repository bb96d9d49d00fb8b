"""The script-language container: what it is made of, how it is built, checked and deployed."""
