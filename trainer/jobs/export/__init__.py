"""Exporting a trained model to ONNX, measured against what the saved model says, and to a web page."""
