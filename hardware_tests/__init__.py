"""One contract for each role: the same tests on the twin in CI and on the instrument at the bench."""
