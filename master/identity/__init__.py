"""Who callers are and what they may do: certificates, join tokens, authorization."""
