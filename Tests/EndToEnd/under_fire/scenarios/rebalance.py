"""rebalance."""
LONG={}
SHORT={}
