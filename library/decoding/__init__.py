"""Reads each format of pictures: whole or reduced, checked for damage, in the colours that its owner sees."""
