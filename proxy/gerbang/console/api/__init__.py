"""`/api/v1/`: what programs say and ask on the admin listener, with a token, in JSON; no cookie counts there."""
