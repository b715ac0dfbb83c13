"""pause."""
LONG={}
SHORT={}
