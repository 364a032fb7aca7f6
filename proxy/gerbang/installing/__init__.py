"""What `gerbang init` makes: settings, registers, a CA and the first account of a new gate."""
