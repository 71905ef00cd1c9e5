"""Bad protocols, and a fuzzer that makes more of them."""
