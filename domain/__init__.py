"""What is true: vocabulary and rules, pure; imports the standard library only, and time is an argument."""
