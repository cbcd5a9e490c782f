"""Guards the page: what every request passes before it is answered, in the order of `ui/launch.py`."""
