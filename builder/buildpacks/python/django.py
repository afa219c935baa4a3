"""Django's static files: collected where the app says where to.

Source: Django's documentation of STATIC_ROOT and collectstatic; DISABLE_COLLECTSTATIC is Heroku's.
"""

import subprocess
import sys

from builder.buildpacks.python.install import Site
from builder.buildpacks.told import Report, indent

DISABLE = "DISABLE_COLLECTSTATIC"
MEND = (
    f"See that the settings can be loaded while building, or: stratum vars set {DISABLE}=1; then push again."
)
_NOT_WANTED = ("without having set the STATIC_ROOT setting", "Unknown command: 'collectstatic'")


def collect_static(site: Site, report: Report) -> None:
    """Run collectstatic; nothing where it is not Django, not wished, or the settings name no place for it."""
    manage = site.build / "manage.py"
    if not manage.is_file() or "django" not in report.packages:
        return
    if site.environ.get(DISABLE, "0") not in ("", "0"):
        indent(f"Static files are not collected, as {DISABLE} asks")
        return
    report.begin("Collecting static files", MEND)
    argv = (site.venv / "bin" / "python", "manage.py", "collectstatic", "--noinput")
    done = subprocess.run(
        argv, cwd=site.build, env=site.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    said = done.stdout.decode("utf-8", "replace")
    if done.returncode and any(reason in said for reason in _NOT_WANTED):
        indent("No static files collected: the settings name no STATIC_ROOT")
        return
    indent(said.strip())
    if done.returncode:
        sys.exit(done.returncode if done.returncode > 0 else 128 - done.returncode)
