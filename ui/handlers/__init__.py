"""What the controls of the page do, a file for each topic."""
