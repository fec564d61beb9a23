"""The demonstration: everything a newcomer needs to watch one study become a risk, on one machine, by one command."""
