"""Stand-ins for the platforms, on loopback under their real names: a module a platform, with its pages."""
