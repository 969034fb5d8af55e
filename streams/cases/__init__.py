"""Who is due which text of a case, when, and in what words."""

from streams.cases.anchors import name_task_text as name_task_text
from streams.cases.preview import Preview as Preview
from streams.cases.preview import PreviewLine as PreviewLine
from streams.cases.preview import PreviewWarning as PreviewWarning
from streams.cases.preview import preview as preview
from streams.cases.processor import cases as cases
from streams.cases.processor import cases_finish as cases_finish
from streams.cases.processor import cases_on_timer as cases_on_timer
from streams.cases.restoring import restore_state as restore_state
