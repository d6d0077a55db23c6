"""test_links.py REPOSITORY: every relative link and picture of the Markdown files leads to a file, and every figure is shown."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(sys.argv[1])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")

files = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "*.md"], capture_output=True, text=True, check=True)
problems, shown = [], set()
for name in files.stdout.splitlines():
    file = ROOT / name
    text = re.sub(r"^(```|~~~).*?^\1", "", file.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:|#", target):
            continue
        path = (file.parent / target.split("#")[0]).resolve()
        shown.add(path)
        if not path.exists():
            problems.append(f"{name}: {target} is not there")
for figure in sorted(ROOT.glob("chapters/*/figures/*.svg")):
    if figure.resolve() not in shown:
        problems.append(f"{figure.relative_to(ROOT)} is shown nowhere")
print("\n".join(problems) or "all links lead somewhere")
sys.exit(1 if problems else 0)
