"""Decisions about an image: what every subdomain believes, and how strategies decide."""
