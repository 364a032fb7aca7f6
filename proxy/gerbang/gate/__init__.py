"""The proxy itself: mitmproxy with only what a posting gate needs."""
