"""Each call of the API as an `Operation`. Both clients take them from here."""
