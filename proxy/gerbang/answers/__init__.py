"""Decision to reply: pages, platform-shaped refusals, problem documents, in Malay and English."""
