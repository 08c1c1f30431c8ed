"""Access control and limits of the web server: ASGI middleware, and the server itself.

Knows neither the page nor gradio.
"""
