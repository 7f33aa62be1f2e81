"""What somebody typed into a form, or sent with it."""

from dataclasses import dataclass

from starlette.datastructures import FormData, UploadFile

from api.pages.viewing import View
from optimizer.errors import BadInput
from optimizer.findings import fault


@dataclass(frozen=True)
class Typed:
    """The fields of a form: text without blanks around it, choices, files."""

    fields: FormData
    files: dict[str, tuple[str, bytes]]
    """Field -> name and content of the file that was chosen; no entry where none was."""

    def text(self, name: str, default: str = "") -> str:
        """What was typed into a field; `default` where the form has no such field."""
        value = self.fields.get(name)
        return value.strip() if isinstance(value, str) else default

    def every(self, name: str) -> list[str]:
        """All that was chosen of a field with several choices."""
        return [value for value in self.fields.getlist(name) if isinstance(value, str)]

    def has(self, name: str) -> bool:
        """Whether the form has the field: a box that is not ticked is left out."""
        return name in self.fields

    def whole(self, name: str, least: int, most: int) -> int:
        """A whole number within bounds. Raises BadInput."""
        text = self.text(name)
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
        if number is None or not least <= number <= most:
            zh, en = f"应为 {least} 至 {most} 的整数", f"should be a whole number from {least} to {most}"
            raise BadInput([fault("whole_number", zh, en, path=name, value=text)])
        return number


async def typed(view: View) -> Typed:
    """The form of a request. Raises BadInput for text that no database keeps."""
    form = await view.request.form()
    odd = [name for name, value in form.multi_items() if isinstance(value, str) and "\0" in value]
    if odd:
        raise BadInput([fault("nul", "含空字符", "holds a NUL character", path=name) for name in odd])
    sent = [(name, one) for name, one in form.multi_items() if isinstance(one, UploadFile) and one.filename]
    files = {name: (str(one.filename), await one.read()) for name, one in sent}
    await form.close()  # large files lie in temporary ones
    return Typed(form, files)
