"""Plain data -> plotly figures as plain dicts that go to the browser as JSON. Imports no plotly and knows no page."""
