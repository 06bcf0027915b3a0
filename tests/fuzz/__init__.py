"""Reader drivers under bytes that no reader would send, a great many of them: `make fuzz`."""
