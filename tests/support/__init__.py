"""What several tests share: signals, speech, servers."""
