"""What an office's devices are told: which hosts go to the gate, and whose certificate they are to trust."""
