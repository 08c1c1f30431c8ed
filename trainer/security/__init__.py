"""The walls of the web server: who may ask, how much, how long; each is an ASGI layer or a part of the server under them.

Nothing here knows what is served: neither the page nor gradio.
"""
