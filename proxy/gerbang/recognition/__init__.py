"""What a request is about to do on a platform: signatures (data) matched against decoded fields. Pure."""
