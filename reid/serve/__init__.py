"""A gallery over HTTP: JSON endpoints and one web page. Needs the extra `serve`."""
