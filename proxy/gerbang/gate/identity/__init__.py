"""Who is at the other end: the zone of an address, and the doors by which people are known there."""
