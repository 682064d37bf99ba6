"""Long work: jobs in SQLite, one worker process that runs them one at a time, results as files."""
