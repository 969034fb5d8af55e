"""Who is due which text of a case, when, and in what words."""

from streams.cases.processor import cases as cases
from streams.cases.processor import cases_finish as cases_finish
from streams.cases.processor import cases_on_timer as cases_on_timer
