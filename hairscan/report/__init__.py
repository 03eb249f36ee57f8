"""Pictures of a result for a person."""
