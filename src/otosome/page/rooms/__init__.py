"""The rooms of the page, a module each; the folder is the list."""
