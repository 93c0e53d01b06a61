"""What each provider says in its callbacks, read without believing anything of it but its form."""
