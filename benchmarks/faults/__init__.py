"""Breaks the program, its servers and its disks at random moments, and counts what is lost, doubled or wrong after."""
