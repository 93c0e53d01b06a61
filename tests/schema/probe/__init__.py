"""The probe of two tenants and two brands: what it asks, whom it asks as, and what it holds for a finding."""
