"""`foreword download` against a hub on this computer: whole files, whatever happens to the process and the connection; who gets the token; lists."""

import hashlib
import json
import os
import pty
import random
import resource
import signal
import ssl
import subprocess
import time
import unittest
from pathlib import Path

import hub
import program

MODEL = program.ROOT / "tests" / "data" / "models" / "arch-qwen2-Q8_0.gguf"
PLUGIN = Path(program.PROGRAM).parent / "lib/foreword/plugins/foreword_download.so"
NOISE = random.Random(7).randbytes(24 << 20)  # more than the system's buffers hold on the way
SOME = NOISE[:3_000_000]
REPO = "tester/Tiny-GGUF"


class DownloadTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        tiny = MODEL.read_bytes()
        self.hub = hub.Hub(self, {
            REPO: {"README.md": b"# hello", "tiny-Q8_0.gguf": tiny, "tiny-F16.gguf": tiny + b"x", "mmproj-tiny-f16.gguf": b"projector", "sub/tiny-Q2_K-00001-of-00002.gguf": b"one",
                   "sub/tiny-Q2_K-00002-of-00002.gguf": b"two!"},
            "tester/Noise-GGUF": {"noise-Q4_K_M.gguf": NOISE},
            "tester/Some-GGUF": {"some-Q4_K_M.gguf": SOME},
            "other/Tiny-Chat": {"chat-Q8_0.gguf": b"c"},
        })
        self.models = self.home / ".local/share/foreword/models"

    def environment(self, **more):
        kept = {key: value for key, value in program.environment(self.home).items() if not key.lower().endswith("_proxy") and not key.startswith("SSL_")}
        return {**kept, "HF_ENDPOINT": self.hub.url, **more}

    def start(self, *arguments, env=None, **options):
        return subprocess.Popen(self.command("download", *arguments), stdout=subprocess.PIPE, stderr=options.pop("stderr", subprocess.PIPE), stdin=subprocess.DEVNULL,
                                env=self.environment(**(env or {})), cwd=self.home, **options)

    def run_download(self, *arguments, env=None, **options):
        """(exit code, stdout, stderr)"""
        process = self.start(*arguments, env=env, **options)
        out, err = process.communicate(timeout=60)
        return process.returncode, out.decode(), err.decode()

    def download(self, *arguments, **options):
        code, out, err = self.run_download(*arguments, **options)
        self.assertEqual(code, program.OK, err)
        return out, err

    def download_json(self, *arguments, **options):
        out, err = self.download(*arguments, "--json", **options)
        self.assertEqual(out.count("\n"), 1)
        return json.loads(out), err

    def download_fails(self, *arguments, code=program.FAILURE, **options):
        got, out, err = self.run_download(*arguments, **options)
        self.assertEqual((got, out), (code, ""), err)
        self.assert_sentence(err)
        return err

    def last_range(self):
        return self.hub.files.requests[-1][1].get("Range")

    def left(self, repo=REPO):
        return sorted(str(path.relative_to(self.models / repo)) for path in (self.models / repo).rglob("*") if path.is_file())

    def test_whole(self):
        told, err = self.download_json(REPO)
        path = self.models / REPO / "tiny-Q8_0.gguf"
        self.assertEqual(told, {"repository": REPO, "path": str(path), "bytes": MODEL.stat().st_size, "was_there": False,
                                "files": [{"path": str(path), "bytes": MODEL.stat().st_size, "checked": "sha256", "was_there": False}]})
        self.assertEqual(path.read_bytes(), MODEL.read_bytes())
        self.assertEqual(self.left(), ["tiny-Q8_0.gguf"])
        self.assertEqual(err, "", "nothing on a pipe")
        self.assertTrue(self.hub.hub.requests[1][0].startswith(f"/{REPO}/resolve/{hub.COMMIT}/"), "one state of the repository")
        for _, headers in self.hub.hub.requests + self.hub.files.requests:
            self.assertNotIn("Accept-Encoding", headers)
        n_asked = len(self.hub.files.requests)
        out, _ = self.download(REPO)
        self.assertIn("was there already", out)
        self.assertEqual(len(self.hub.files.requests), n_asked)

    def test_found_and_opened_by_name(self):
        self.download(f"hf.co/{REPO}:q8_0")
        found, = self.run_json("models")["models"]
        self.assertEqual((found["name"], found["owner"], found["problem"]), ("tiny-Q8_0", "Foreword", None))
        named = self.run_ok("tokenize", "-m", "tiny-Q8_0", "-p", "hello")
        self.assertEqual(named, self.run_ok("tokenize", "-m", MODEL, "-p", "hello"))

    def test_other_folders(self):
        self.download(REPO, "--file", "tiny-F16.gguf", "--to", "here")
        self.assertEqual((self.home / "here/tiny-F16.gguf").read_bytes(), MODEL.read_bytes() + b"x")
        self.download(REPO, "--data-dir", "moved")
        self.assertTrue((self.home / "moved/models" / REPO / "tiny-Q8_0.gguf").is_file())

    def test_split_models_come_whole(self):
        told, _ = self.download_json(f"{REPO}:Q2_K")
        self.assertEqual(self.left(), ["sub/tiny-Q2_K-00001-of-00002.gguf", "sub/tiny-Q2_K-00002-of-00002.gguf"])
        self.assertEqual((told["bytes"], told["path"]), (7, str(self.models / REPO / "sub/tiny-Q2_K-00001-of-00002.gguf")))

    def test_addresses(self):
        for address in (f"{self.hub.url}/{REPO}/blob/main/tiny-F16.gguf", f"https://huggingface.co/{REPO}/resolve/{hub.COMMIT}/tiny-F16.gguf?download=true"):
            told, _ = self.download_json(address, "--to", hashlib.md5(address.encode()).hexdigest())
            self.assertEqual(Path(told["path"]).read_bytes(), MODEL.read_bytes() + b"x")
        told, _ = self.download_json(f"{self.hub.files.url}/{REPO}/tiny-Q8_0.gguf")
        self.assertEqual((told["path"], told["repository"], told["files"][0]["checked"]), (str(self.models / "127.0.0.1/tiny-Q8_0.gguf"), None, "size"))
        told, _ = self.download_json(f"{self.hub.files.url}/{REPO}/tiny-Q8_0.gguf")
        self.assertTrue(told["was_there"])

    def begin_and_hold(self, *arguments, cut=False, **options):
        """A download of NOISE that waits for the rest; most of it is read."""
        self.hub.hold = hub.Hold(len(NOISE) - 4096, cut)
        self.addCleanup(self.hub.hold.released.set)
        process = self.start("tester/Noise-GGUF", *arguments, **options)
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        self.assertTrue(self.hub.hold.reached.wait(60))
        return process

    def goes_on(self):
        """The same command continues where the part ends."""
        part = self.models / "tester/Noise-GGUF/noise-Q4_K_M.gguf.part"
        size = part.stat().st_size
        self.assertGreater(size, 1 << 20)
        self.assertEqual(part.read_bytes(), NOISE[:size])
        self.hub.hold.released.set()
        self.hub.hold = None
        self.download("tester/Noise-GGUF")
        self.assertEqual(self.last_range(), f"bytes={size}-")
        self.assertEqual((part.parent / "noise-Q4_K_M.gguf").read_bytes(), NOISE)
        self.assertEqual(self.left("tester/Noise-GGUF"), ["noise-Q4_K_M.gguf"])

    def test_killed_and_gone_on_with(self):
        process = self.begin_and_hold()
        process.kill()
        process.wait()
        self.assertEqual(self.left("tester/Noise-GGUF"), ["noise-Q4_K_M.gguf.part", "noise-Q4_K_M.gguf.part.json"])
        self.assertEqual(self.run_json("models")["models"], [], "a part is no model")
        self.goes_on()

    def test_stopped_and_gone_on_with(self):
        for how in (signal.SIGINT, signal.SIGTERM):
            process = self.begin_and_hold()
            process.send_signal(how)
            out, err = process.communicate(timeout=30)
            self.assertEqual((process.returncode, out), (program.FAILURE, b""))
            self.assert_sentence(err.decode())
            self.assertIn("the same command goes on", err.decode())
            self.hub.hold.released.set()
        self.goes_on()

    def test_a_cut_connection_is_gone_on_with_at_once(self):
        process = self.begin_and_hold(cut=True)
        self.hub.hold.released.set()
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, err), (program.OK, b""))
        self.assertEqual(self.last_range(), f"bytes={len(NOISE) - 4096}-")
        self.assertEqual((self.models / "tester/Noise-GGUF/noise-Q4_K_M.gguf").read_bytes(), NOISE)

    def test_two_at_once(self):
        first = self.begin_and_hold()
        self.assertIn("already", self.download_fails("tester/Noise-GGUF"))
        self.hub.hold.released.set()
        self.assertEqual(first.wait(60), program.OK)
        self.assertIn("was there already", self.download("tester/Noise-GGUF")[0])

    def test_wrong_bytes_get_no_name(self):
        wrong = bytearray(MODEL.read_bytes())
        wrong[1000] ^= 1
        self.hub.sent["tiny-Q8_0.gguf"] = bytes(wrong)
        self.assertIn("wrong bytes", self.download_fails(REPO))
        self.assertEqual(self.left(), [])
        self.hub.sent["tiny-Q8_0.gguf"] = MODEL.read_bytes() + b"more"
        self.download_fails(REPO)
        self.assertEqual(self.left(), [])

    def test_another_file_is_not_replaced(self):
        path = self.models / REPO / "tiny-Q8_0.gguf"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"mine")
        self.assertIn("is there already", self.download_fails(REPO))
        self.assertEqual(path.read_bytes(), b"mine")

    def test_troubles_that_pass(self):
        self.hub.troubles = [(503, {}), (403, {}), (429, {"Retry_After": "0"})]
        self.download(REPO)
        self.assertEqual(self.hub.n_signed, 4, "each time a new address")

    def test_the_token_stays_with_the_hub(self):
        self.hub.gated.add(REPO)
        self.hub.token = "hf_secret"
        err = self.download_fails(REPO)
        self.assertIn(f"{self.hub.url}/{REPO}", err)
        self.assertIn("HF_TOKEN", err)
        self.assertIn("accept", self.download_fails(REPO, env={"HF_TOKEN": "another"}))
        self.hub.hub.requests.clear()
        (self.home / "hf").mkdir()
        (self.home / "hf/token").write_text("hf_secret\n")
        self.download(REPO, env={"HF_HOME": str(self.home / "hf")})
        self.assertEqual([headers["Authorization"] for _, headers in self.hub.hub.requests], ["Bearer hf_secret"] * 2)
        self.assertTrue(self.hub.files.requests)
        for _, headers in self.hub.files.requests:
            self.assertNotIn("Authorization", headers)
        self.assertNotIn(b"hf_secret", b"".join(path.read_bytes() for path in self.models.rglob("*") if path.is_file()))

    def ledger(self, *arguments):
        out = subprocess.run(self.command("network", *arguments), env=self.environment(), cwd=self.home, capture_output=True, check=True, timeout=60).stdout.decode()
        return [json.loads(line) for line in out.splitlines()] if "--json" in arguments else out

    def test_every_request_is_in_the_ledger(self):
        self.assertEqual(self.ledger("--json"), [])
        self.hub.troubles = [(503, {"Retry_After": "0"})]
        self.hub.token = "hf_secretword"
        self.hub.gated = {REPO}
        self.download(REPO, env={"HF_TOKEN": "hf_secretword"})
        self.download("--search", "tiny")
        host, files = self.hub.url.split("/")[-1], self.hub.files.url.split("/")[-1]
        rows = self.ledger("--json")
        self.assertEqual(len(rows), len(self.hub.hub.requests) + len(self.hub.files.requests))
        what = f"Downloading tiny-Q8_0.gguf of {REPO}"
        self.assertEqual([(row["host"], row["purpose"], row["status"], row["end"]) for row in rows],
                         [(host, "Searching for models", 200, "whole"), (files, what, 200, "whole"), (host, what, 302, "whole"), (files, what, 503, "stopped"), (host, what, 302, "whole"),
                          (host, f"Looking at {REPO}", 200, "whole")])
        self.assertEqual(rows[1]["received_bytes"], MODEL.stat().st_size)
        self.assertTrue(all(row["sent_bytes"] > 30 for row in rows), rows)
        self.assertIn("led on to another address", self.ledger())
        kept = (self.home / ".local/state/foreword/network.jsonl").read_text()
        for secret in ("secretword", "signature", "Bearer", "/resolve/"):
            self.assertNotIn(secret, kept)
        self.ledger("--clear")
        self.assertEqual(self.ledger("--json"), [])

    def test_a_killed_download_is_in_the_ledger(self):
        self.hub.hold = hub.Hold(16 << 20)
        process = self.start("tester/Noise-GGUF")
        self.assertTrue(self.hub.hold.reached.wait(60))
        process.kill()
        process.communicate()
        self.hub.hold.released.set()
        row = self.ledger("--json")[0]
        self.assertEqual((row["host"], row["status"], row["end"]), (self.hub.files.url.split("/")[-1], None, None))

    def test_a_ledger_that_cannot_be_written_disturbs_no_download(self):
        (self.home / ".local/state").mkdir(parents=True)
        (self.home / ".local/state/foreword").write_text("in the way")
        _, err = self.download(REPO)
        self.assertIn("warning: The list of what was asked of the internet cannot be written", err)
        self.assertIn("tiny-Q8_0.gguf", self.left())

    def test_a_limited_rate(self):
        began = time.monotonic()
        self.download("tester/Some-GGUF", "--limit-rate", "2M")
        self.assertGreater(time.monotonic() - began, 0.8 * (len(SOME) / 2e6 - 0.25))
        self.assertEqual((self.models / "tester/Some-GGUF/some-Q4_K_M.gguf").read_bytes(), SOME)
        for wrong in ("2X", "-1", "0", "", "9K"):
            self.assertEqual(self.run_download("tester/Some-GGUF", "--limit-rate", wrong)[0], program.WRONG_USE, wrong)

    def test_offline(self):
        for arguments in ((REPO,), ("--search", "tiny"), (f"{self.hub.files.url}/x.gguf",)):
            self.assertIn("HF_HUB_OFFLINE", self.download_fails(*arguments, env={"HF_HUB_OFFLINE": "1"}))
        self.assertEqual(self.hub.hub.requests + self.hub.files.requests, [])

    def test_list(self):
        told, _ = self.download_json(REPO, "--list")
        self.assertEqual([(row["name"], row["quantisation"], row["bytes"], row["usual"]) for row in told["models"]],
                         [("tiny-Q2_K", "Q2_K", 7, False), ("tiny-Q8_0", "Q8_0", MODEL.stat().st_size, True), ("tiny-F16", "F16", MODEL.stat().st_size + 1, False)])
        self.assertEqual((told["repository"], told["revision"]), (REPO, hub.COMMIT))
        out, _ = self.download(REPO, "--list")
        self.assertEqual(out.splitlines()[1].split()[:4], ["tiny-Q8_0", "Q8_0", "0.2", "MB"])
        self.assertFalse(self.models.exists())

    def test_search(self):
        self.hub.gated.add("other/Tiny-Chat")
        told, _ = self.download_json("--search", "tiny")
        self.assertEqual(told, {"repositories": [{"repository": REPO, "downloads": 1000, "likes": 7, "gated": False}, {"repository": "other/Tiny-Chat", "downloads": 999, "likes": 7, "gated": True}]})
        self.assertIn("filter=gguf&sort=downloads", self.hub.hub.requests[0][0])
        self.assertEqual(len(self.download("--search", "tiny", "--most", "1")[0].splitlines()), 1)
        self.assertEqual(self.download("--search", "no such words")[0], "")

    def test_what_is_not_there(self):
        for arguments, words in ((("tester/None",), "tester/None"), ((REPO, "--revision", "v9"), "revision"), ((f"{REPO}:Q5_K_M",), "Q8_0"), ((REPO, "--file", "none.gguf"), "none.gguf"),
                                 ((REPO, "--file", "mmproj-tiny-f16.gguf"), "mmproj")):
            self.assertIn(words, self.download_fails(*arguments))
        for arguments in ((), ("x",), (REPO, "--search", "x"), ("\x1b[2J/x y",), ("file:///x.gguf",), ("https://example.org/x.gguf", "--list")):
            err = self.download_fails(*arguments, code=program.WRONG_USE)
            self.assertNotIn("\x1b", err)
        self.assertIn("HF_ENDPOINT", self.download_fails(REPO, env={"HF_ENDPOINT": "nowhere"}, code=program.WRONG_USE))

    def test_nobody_answers(self):
        self.assertIn("cannot be reached", self.download_fails(REPO, env={"HF_ENDPOINT": "http://127.0.0.1:1"}))

    def test_without_the_plugin(self):
        self.assertIn("cannot download", self.download_fails(REPO, env={"FOREWORD_DOWNLOAD_PLUGIN": str(self.home / "none.so")}))
        self.assertNotIn(b"libcurl.so", Path(self.program).read_bytes(), "only the plugin can")

    def test_a_disk_that_takes_no_more(self):
        """A limit on the size of files stands for it."""
        limit = 5 << 20
        err = self.download_fails("tester/Noise-GGUF", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        self.assertIn("cannot be written", err)
        self.hub.hold = hub.Hold(0)
        self.goes_on()

    def test_progress_on_a_terminal(self):
        terminal, other = pty.openpty()
        process = self.begin_and_hold(stderr=other)
        os.close(other)
        self.hub.hold.released.set()
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, program.OK)
        shown = b""
        try:
            while piece := os.read(terminal, 1 << 16):
                shown += piece
        except OSError:  # the other side is closed
            pass
        os.close(terminal)
        self.assertRegex(shown.decode(), r"noise-Q4_K_M\.gguf  \d+\.\d MB of 25\.2 MB \(\d+ %\)")
        self.assertTrue(shown.endswith(b"\r\x1b[K"), "the line is taken away")

    def test_proxy(self):
        proxy = hub.Server(self, lambda request: (setattr(request, "path", request.path.removeprefix("http://hub.invalid")), self.hub.answer(request))[1])
        told, _ = self.download_json("--search", "tiny", env={"HF_ENDPOINT": "http://hub.invalid", "http_proxy": proxy.url})
        self.assertEqual(len(told["repositories"]), 2)
        self.assertTrue(proxy.requests[0][0].startswith("http://hub.invalid/api/models"))
        self.download("--search", "tiny", env={"http_proxy": "http://127.0.0.1:1", "NO_PROXY": "127.0.0.1"})

    @unittest.skipUnless(subprocess.run(["openssl", "version"], capture_output=True, check=False).returncode == 0, "no openssl")
    def test_certificates(self):
        key, certificate = self.home / "key.pem", self.home / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj",
                        "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        plain, self.hub = self.hub, hub.Hub(self, self.hub.repos, context)
        self.assertIn("SSL_CERT_FILE", self.download_fails(REPO))
        trusted = {"SSL_CERT_FILE": str(certificate)}
        self.download(REPO, env=trusted)
        self.hub.files = plain.files  # from https to http
        self.assertIn("without encryption", self.download_fails(f"{REPO}:F16", env=trusted))


if __name__ == "__main__":
    if PLUGIN.is_file():
        program.main()
    else:
        print("This build cannot download.")
        raise SystemExit(77)
