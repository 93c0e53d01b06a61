"""What is remembered: tables, migrations, every SQL statement, the condition compiler and the job table."""
