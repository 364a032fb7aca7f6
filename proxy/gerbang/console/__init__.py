"""The console: server-rendered, read-only pages for the auditor, in a process of their own."""
