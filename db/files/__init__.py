"""Keeps small files beside the pictures: logs, decisions, choices, evaluations, packs."""
