"""Does what the controls of the page ask for, a file for each topic."""
