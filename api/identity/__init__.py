"""Who asks: passwords, tokens, and tokens of an OpenID Connect provider. What each may do stands in lab.toml."""
