"""standby."""
LONG={}
SHORT={}
