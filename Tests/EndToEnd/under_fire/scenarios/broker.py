"""broker."""
LONG={}
SHORT={}
