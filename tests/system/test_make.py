"""The shell scripts under the Makefile, with Pythons that only pretend."""

import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHELL_TOOLS = ("sh", "cat", "cmp", "head", "mkdir", "cp", "rm")

# Answers the question of find_python.sh as another Python would. The imports come
# first, while Python still knows its real version.
PRETENDED = """#!/bin/sh
exec "{real}" -c "import ensurepip, sys, sysconfig, venv
sys.version_info = type('V', (tuple,), dict(releaselevel='{level}'))({version})
sysconfig.get_config_var = lambda name: {free_threaded}
$2" "$3"
"""

# A Python whose venv is a folder with itself in it, and whose pip only keeps a diary.
STAND_IN = """#!/bin/sh
case "$1 $2" in
"-m venv") rm -rf "$4" && mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
"-m pip") ;;
*realpath*) echo "{name}" && exit ;;
*) exec "{real}" "$@" ;;
esac
echo "$2" >>"$DIARY"
[ "$2" != "$FAILING" ]
"""


def script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def pretend(path, version, *, level="final", free_threaded=False):
    text = PRETENDED.format(
        real=sys.executable, version=version, level=level, free_threaded=free_threaded
    )
    return script(path, text)


def stand_in(path, name="one"):
    return script(path, STAND_IN.format(real=sys.executable, name=name))


@pytest.fixture
def machine(tmp_path):
    """A machine without any Python: an empty PATH but for the shell's own tools."""
    for tool in SHELL_TOOLS:
        (tmp_path / "path").mkdir(exist_ok=True)
        (tmp_path / "path" / tool).symlink_to(shutil.which(tool))
    return tmp_path


def run(machine, *command, cwd=ROOT, **environment):
    names = {"PATH": machine / "path", "HOME": machine, "DIARY": machine / "diary"}
    names["FAILING"] = ""
    return subprocess.run(
        ["/bin/sh", *command],
        cwd=cwd,
        env={name: str(value) for name, value in {**names, **environment}.items()},
        capture_output=True,
        text=True,
        timeout=60,
    )


def find_python(machine, *versions, **environment):
    return run(machine, "tools/find_python.sh", *versions, **environment)


def test_newest_python_of_path_and_pyenv_is_found(machine):
    pretend(machine / "path/python3.11", (3, 11, 7))
    newest = pretend(machine / ".pyenv/versions/3.13.0/bin/python", (3, 13, 0))
    pretend(machine / "path/python3", (3, 12, 1))
    assert find_python(machine).stdout.strip() == str(newest)


def test_one_version_can_be_asked_for(machine):
    oldest = pretend(machine / "path/python3.11", (3, 11, 7))
    pretend(machine / "path/python3.13", (3, 13, 0))
    assert find_python(machine, "3.11").stdout.strip() == str(oldest)
    assert find_python(machine, "3.12").returncode == 2


def test_python_that_cannot_be_used_is_passed_over(machine):
    script(machine / "path/python3.14", "#!/bin/sh\necho command not found; exit 127\n")
    script(machine / "path/python3.13", "#!/bin/sh\nexit 1\n")  # has no ensurepip, say
    versions = machine / ".pyenv/versions"
    pretend(versions / "3.14.0a1/bin/python", (3, 14, 0), level="alpha")
    pretend(versions / "3.13.0t/bin/python", (3, 13, 0), free_threaded=True)
    pretend(machine / "path/python3", (3, 15, 0))  # wheels are missing for it
    usable = pretend(machine / "path/python", (3, 12, 1))
    assert find_python(machine).stdout.strip() == str(usable)


def test_usable_python_behind_a_dead_shim_of_the_same_name_is_found(machine):
    script(machine / "shims/python3.12", "#!/bin/sh\nexit 127\n")
    usable = pretend(machine / "path/python3.12", (3, 12, 1))
    path = f"{machine / 'shims'}:{machine / 'path'}"
    assert find_python(machine, PATH=path).stdout.strip() == str(usable)


def test_without_a_python_there_is_one_clear_line(machine):
    pretend(machine / "path/python3", (3, 10, 13))
    result = find_python(machine)
    assert result.returncode == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("no Python 3.11 to 3.14 with venv")


def test_python_variable_overrides_and_is_checked(machine):
    pretend(machine / "path/python3.13", (3, 13, 0))
    wanted = pretend(machine / "elsewhere/python", (3, 15, 0))
    assert find_python(machine, PYTHON=wanted).stdout.strip() == str(wanted)
    old = pretend(machine / "elsewhere/old", (3, 10, 13))
    result = find_python(machine, PYTHON=old)
    assert result.returncode == 2
    assert result.stderr.startswith(f"PYTHON={old}: not a working")


@pytest.fixture
def project(machine):
    """A project folder for make_venv.sh, and one stand-in for a Python."""
    folder = machine / "a project"
    shutil.copytree(ROOT / "tools", folder / "tools")
    for name in ("requirements.txt", "pyproject.toml"):
        (folder / name).write_text("first\n")
    stand_in(machine / "path/python3")
    return folder


def make_venv(project, **environment):
    """Returns the exit code and what was done: made anew (venv), installed (pip)."""
    machine = project.parent
    (machine / "diary").write_text("")
    result = run(machine, "tools/make_venv.sh", ".venv", cwd=project, **environment)
    return result.returncode, (machine / "diary").read_text().split()


ANEW, UPDATED, UNTOUCHED = (0, ["venv", "pip"]), (0, ["pip"]), (0, [])


def test_second_run_installs_nothing(project):
    assert make_venv(project) == ANEW
    assert make_venv(project) == UNTOUCHED


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml"])
def test_changed_requirements_are_installed(project, name):
    make_venv(project)
    (project / name).write_text("second\n")
    assert make_venv(project) == UPDATED
    assert make_venv(project) == UNTOUCHED


def test_failed_installation_is_an_error_and_begun_anew(project):
    assert make_venv(project, FAILING="pip") == (1, ["venv", "pip"])
    assert make_venv(project) == ANEW


def test_environment_that_does_not_run_is_made_anew(project):
    make_venv(project)
    (project / ".venv/bin/python").unlink()
    assert make_venv(project) == ANEW


def test_environment_of_a_moved_folder_is_made_anew(project):
    make_venv(project)
    moved = project.rename(project.parent / "moved")
    assert make_venv(moved) == ANEW


def test_environment_made_by_hand_is_kept(project):
    stand_in(project / ".venv/bin/python")
    assert make_venv(project) == UPDATED


def test_environment_of_another_python_than_asked_for_is_made_anew(project):
    make_venv(project)
    same, other = project.parent / "path/python3", project.parent / "other/python"
    assert make_venv(project, PYTHON=same) == UNTOUCHED
    assert make_venv(project, PYTHON=stand_in(other, "another")) == ANEW
    assert make_venv(project, PYTHON=other) == UNTOUCHED


def test_requirements_are_what_the_extras_say():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = {*project["dependencies"]}.union(
        *(extras[name] for name in ("train", "eval", "export"))
    )
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert {line for line in lines if line and line[0] != "#"} == wanted


def test_nothing_is_capped():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = project["dependencies"], *project["optional-dependencies"].values()
    caps = ("<", "==", "~=", "!=")
    assert not [x for group in groups for x in group if any(cap in x for cap in caps)]
