"""What a lesson defines, without running the rest of it."""

import ast
from pathlib import Path
from types import SimpleNamespace

REPOSITORY = Path(__file__).resolve().parent.parent


def definitions(number, **names):
    """What a lesson imports and defines: functions, partials, classes and plain constants.

    Args:
        number: of the lesson, such as "08".
        **names: what its functions use beside that; `runtime` is that of the quick profile where it is not given.

    Returns:
        dict of name → value.
    """
    file = next((REPOSITORY / "notebooks" / "scripts").glob(f"{number}_*.py"))
    names = {"runtime": SimpleNamespace(profile="quick", accelerator="cpu"), **names}
    kept, imported = [], set(names)
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            imported |= {alias.asname or alias.name for alias in node.names}
        wanted = isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom)
        if isinstance(node, ast.Assign):
            partial = isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "partial"
            used = {part.id for part in ast.walk(node.value) if isinstance(part, ast.Name)}
            given = [part.id for part in ast.walk(node.targets[0]) if isinstance(part, ast.Name)]
            wanted = partial or (all(map(str.isupper, given)) and used <= imported)
        if wanted:
            kept.append(node)
    exec(compile(ast.Module(kept, []), str(file), "exec"), names)
    return names
