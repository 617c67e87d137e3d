"""What operators see: log lines and metrics. Nothing here decides anything, and nothing here sees a credential."""
