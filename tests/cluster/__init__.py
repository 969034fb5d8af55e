"""Three brokers that are hurt while clients work: the verbs, a proxy before each, and the tests."""
