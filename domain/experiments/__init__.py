"""Experiments of campaigns: who gets which variant, and what the figures that come back prove."""
