"""The record: events, their canonical bytes, the hash chain, the Merkle tree and the signed note."""
