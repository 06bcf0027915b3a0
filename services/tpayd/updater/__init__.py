"""Keeps the store's software and its readers' firmware up to date, from signed releases only."""
