"""Computes the towers by ONNX Runtime beside torch, and chooses what is quickest on this machine."""
