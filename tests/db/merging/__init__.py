"""Merges of customers, by what each table says afterwards."""
