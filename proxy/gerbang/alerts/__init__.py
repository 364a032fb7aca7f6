"""Telling people of serious decisions, by e-mail or by a webhook, without saying who or what."""
