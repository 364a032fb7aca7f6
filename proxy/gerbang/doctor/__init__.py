"""What `gerbang doctor` looks at: each part of an installation, whether it is good, and what to do where it is not."""
