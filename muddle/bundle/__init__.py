"""The bundle, the folder of everything that is published: its files, the Hub, and which bundle to use."""
