"""How the bundled models were trained. Nothing imports this room."""
