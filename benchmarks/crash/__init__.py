"""The crash campaign: a worker killed at any point, on a twin that lives on and bears witness (`make crash`)."""
