"""retention."""
LONG={}
SHORT={}
