"""The commands of the terminal: each takes the parsed options, prints and returns an exit status. Everything they keep goes through a workspace."""
