"""When does what run where: a pure library. It knows nothing of protocols, devices or event loops (but `process`)."""
