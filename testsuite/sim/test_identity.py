"""Results say what ran: image, options, settings, version and model, in every form; and the
comparison of two runs says what differs in them."""

import hashlib
import json
import re

import pytest

from harness import tools
from sim.elf import PASS, Segment, elf
from sim.test_report import stat

IMAGE = elf(Segment(PASS))
HASH = hashlib.sha256(IMAGE).hexdigest()
EXTRA = bytes(range(100))
INPUT = b"typed"
# more than its options only ask for; a hostile argument may not end a comment, a line or a string
ARGUMENTS = ["one", 'a "$end" \n b', "\xff"]
# as --help has them
OPTIONS = ["--load=extra.bin@0x80100000", "--bootargs=quiet/root=1", "--uart-in=typed", "--max-insns=100000"]
SETTINGS = {"tlb.l2": "64", "machine.ram": "64M"}


@pytest.fixture
def files(tmp_path):
    (tmp_path / "image.elf").write_bytes(IMAGE)
    (tmp_path / "extra.bin").write_bytes(EXTRA)
    (tmp_path / "typed").write_bytes(INPUT)
    return tmp_path


def visa(files, *more, settings=("--set", "tlb.l2=64", "-m", "64M")):
    return tools.execute([
        tools.tool("visa-sim"), *settings, "-n", "100000", "--load", f"{files}/extra.bin@0x80100000",
        "--bootargs", "quiet/root=1", f"--uart-in={files}/typed", *more, files / "image.elf", *ARGUMENTS]).ok()


def run_of(files, *more, **how):
    visa(files, "--stats", files / "s.json", *more, **how)
    return json.loads((files / "s.json").read_text())["run"]


def file_of(kind, name, content, **more):
    return {"as": kind, "name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), **more}


def settings(files, *args):
    """What --print-config prints, flat."""
    text = tools.execute([tools.tool("visa-sim"), *args, "--print-config"]).ok().stdout
    found, group = {}, None
    for line in text.splitlines():
        if m := re.match(r'    (\w+) = "?([^";]+)"?;', line):
            found[f"{group}.{m[1]}"] = m[2]
        elif m := re.match(r"(\w+): \{", line):
            group = m[1]
    return found


def test_json(files):
    run = run_of(files)
    version = tools.execute([tools.tool("visa-sim"), "--version"]).ok().stdout.split()[1]
    assert (run["version"], run["model"]) == (version, "functional")
    assert run["files"] == [file_of("image", "image.elf", IMAGE),
                            file_of("load", "extra.bin", EXTRA, address="0x80100000"),
                            file_of("input", "typed", INPUT)]
    assert run["options"] == OPTIONS
    assert run["arguments"][:2] == ARGUMENTS[:2] and len(run["arguments"]) == 3
    assert {k: run["settings"][k] for k in SETTINGS} == SETTINGS


def test_every_setting(files):
    """Those that --print-config prints, with their values, in its order."""
    printed = settings(files, "--set", "tlb.l2=64", "-m", "64M")
    run = run_of(files)["settings"]
    assert list(run) == list(printed) and len(run) > 40
    assert printed == run


def test_raw_image(files):
    (files / "raw").write_bytes(PASS)
    tools.execute([tools.tool("visa-sim"), "-s", files / "s", "--raw", "0x80000000", files / "raw"]).ok()
    run = json.loads((files / "s").read_text())["run"]
    assert run["files"] == [file_of("image", "raw", PASS, address="0x80000000")]
    assert run["options"] == ["--raw=0x80000000"]


def test_asking_for_results_is_no_difference(files):
    """Options that only name results, or bound what a trace shows, change nothing of the run."""
    assert run_of(files) == run_of(files, "--trace=/dev/null", "--trace-from", "3", "--report", files / "r", "-S",
                                   "-q", "--perfetto", files / "p", "--last", "5", "--dump-dtb", files / "d")


def check_head(lines, prefix, model):
    assert all(l.startswith(prefix) for l in lines)
    text = "\n".join(l[len(prefix):] for l in lines)
    assert re.match(rf"visa-sim \d+\.\d+\.\d+, {model} model\n", text)
    assert f"image image.elf ({len(IMAGE)} bytes, sha256 {HASH})\n" in text
    assert f"load extra.bin at 0x80100000 ({len(EXTRA)} bytes, sha256 " in text
    assert "options " + " ".join(OPTIONS) in text
    words = text.split()
    assert all(f"{k}={v}" in words for k, v in SETTINGS.items())
    assert "$end" not in text and "arguments one \"" in text  # as JSON strings, $ and newlines escaped
    assert "\\u000a b" in text


def test_trace(files):
    text = visa(files, "--trace", "--trace-from", "1", "--trace-events").stderr
    head = [l for l in text.splitlines() if l.startswith("#")]
    check_head(head, "# ", "functional")
    assert head[-1] == "# shown --trace-events --trace-from=1"


def test_json_trace(files):
    first, *_ = visa(files, "--trace", "--trace-format", "json", "--trace-to", "2").stderr.splitlines()
    assert json.loads(first) == {"run": run_of(files), "shown": ["--trace-to=2"]}
    assert first.isascii()


def test_views(files):
    tools.need_pipeline()
    names = ["kanata", "vcd", "o3pipeview", "perfetto"]
    visa(files, *[f"--{n}={files / n}" for n in names], "--last", "7")
    text = {n: (files / n).read_text() for n in names}
    for name in ("kanata", "o3pipeview"):
        head = [l for l in text[name].splitlines() if l.startswith("#")]
        check_head(head, "# ", "pipeline")
        assert head[-1] == "# shown --last=7"
    assert text["kanata"].startswith("Kanata\t0004\n#")
    comment = text["vcd"].split("$comment\n")[1].split("$end")[0].rstrip("\n")
    check_head(comment.splitlines(), "  ", "pipeline")
    other = json.loads(text["perfetto"])["otherData"]
    assert other["run"]["files"][0]["sha256"] == HASH and other["shown"] == ["--last=7"]


def test_report(files):
    visa(files, "--report", files / "r.html")
    page = (files / "r.html").read_text()
    title = re.search(r"<title>(.*?)</title>", page)[1]
    assert "image.elf" in title and HASH[:12] in title and "functional" in title
    assert HASH in page and "<td>64M</td>" in page and "--bootargs=quiet/root=1" in page
    assert hashlib.sha256(EXTRA).hexdigest() in page


def test_visa_stat_tells_the_image(files):
    run = run_of(files)
    assert f"image.elf ({len(IMAGE)} bytes, sha256 {HASH[:12]})" in stat(files / "s.json")
    assert json.loads(stat("--json", files / "s.json"))["run"] == run


def two_runs(files, one, two):
    for name, how in (("a", one), ("b", two)):
        visa(files, "--stats", files / name, *how.get("more", ()), settings=how.get("settings", ()))
    return stat(files / "a", files / "b").split("\n\n")[0].splitlines()


def test_comparison_of_settings(files):
    assert two_runs(files, {"settings": ["--set", "tlb.l2=64"]}, {"settings": ["-p", "2"]}) == [
        "machine.harts: 1 -> 2", "tlb.l2: 64 -> 128"]


def test_comparison_of_options(files):
    options = " ".join(OPTIONS)
    assert two_runs(files, {}, {"more": ["--timeout", "50"]}) == [
        f"options: {options}", f"    -> {options} --timeout=50"]


def test_comparison_of_models(files):
    tools.need_pipeline()
    assert two_runs(files, {}, {"more": ["--model", "pipeline"]}) == ["model: functional -> pipeline"]


def test_comparison_of_images(files):
    visa(files, "--stats", files / "a")
    (files / "image.elf").write_bytes(IMAGE + b"\0")
    visa(files, "--stats", files / "b")
    lines = stat(files / "a", files / "b").splitlines()
    assert lines[0] == f"image: image.elf ({len(IMAGE)} bytes, sha256 {HASH})"
    assert lines[1].strip() == f"-> image.elf ({len(IMAGE) + 1} bytes, sha256 {hashlib.sha256(IMAGE + bytes(1)).hexdigest()})"
    assert lines[2] == ""


def test_comparison_of_the_same(files):
    assert two_runs(files, {}, {}) == ["same image, model, options and settings"]


@pytest.mark.parametrize("drop", [[True, True], [False, True], [True, False]])
def test_comparison_with_one_that_does_not_say(files, drop):
    visa(files, "--stats", files / "a")
    for name, without in zip(("a", "b"), drop):
        stats = json.loads((files / "a").read_text()) if name == "b" else json.loads((files / "a").read_text())
        if without:
            stats.pop("run", None)
        (files / f"{name}.json").write_text(json.dumps(stats))
    first = stat(files / "a.json", files / "b.json").splitlines()[0]
    who = {(True, True): "both do", (False, True): "the second does", (True, False): "the first does"}[tuple(drop)]
    assert first == f"{who} not say what ran: it is not known what differs"


@pytest.mark.parametrize("run", [5, [], {"files": 7}, {"files": [{}]}, {"files": [3]}, {"settings": [1]},
                                 {"model": [], "version": {}, "options": "x", "arguments": [1, None]}])
def test_hostile_run(files, run):
    """Statistics are a file like any other: whatever stands there, it is read without harm."""
    visa(files, "--stats", files / "a")
    stats = {**json.loads((files / "a").read_text()), "run": run}
    (files / "b").write_text(json.dumps(stats))
    for args in ([files / "b"], [files / "a", files / "b"], ["-r", files / "h", files / "b"], ["-j", files / "b"]):
        stat(*args)
