"""What several tests stand on; ships with no wheel."""
