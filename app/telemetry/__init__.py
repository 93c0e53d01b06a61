"""What operators see of the API: a line for each request, numbers for Prometheus; free when it is off."""
