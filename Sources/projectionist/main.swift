print("projectionist")
