"""Bodies to plain fields: encodings, charsets, forms, multipart, JSON in JSON, XML-RPC. Pure and bounded."""
