"""loss."""
LONG={}
SHORT={}
