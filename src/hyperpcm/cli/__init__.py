"""The command line: each command reads its arguments, calls one library function and shows the result."""
