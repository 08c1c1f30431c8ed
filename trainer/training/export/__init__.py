"""Taking a model away: as a zip of its folder, as ONNX, and as a web page that needs no server."""
