"""Labelling a whole file with a trained model: block by block, in a folder that holds what is done already."""
