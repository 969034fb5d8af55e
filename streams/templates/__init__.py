"""The words of texts: templates that staff write, and what is put into them when a text leaves."""
