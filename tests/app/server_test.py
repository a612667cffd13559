"""`foreword serve`: OpenAI's interface over HTTP, who is let in, what is refused, and that it outlives whoever hangs up."""

import http.client
import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import threading
import unittest
from contextlib import closing

import program
import screen
import small_model

MODEL = program.ROOT / "assets" / "builtin" / "main.gguf"
# Any tokens, so that an answer goes on to its limit.
ENDLESS = {"temperature": 10, "top_k": 0, "top_p": 1, "min_p": 0, "max_tokens": 1900}
QUESTION = [{"role": "user", "content": "Could you help me write a letter to my landlord?"}]


class Server:
    """A running server and a client of it."""

    def __init__(self, test, *arguments, model=MODEL):
        self.process = subprocess.Popen(test.command("serve", "-m", model, "--port", 0, "--json", *arguments), stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=program.environment(test.home), cwd=test.home)
        test.addCleanup(self.end)
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(self.process.stderr.read().decode())
        self.told = json.loads(line)
        self.port = int(self.told["url"].split(":")[2].split("/")[0])
        self.key = self.told["key"]

    def end(self, how=signal.SIGINT):
        """Exit code and what was said on stderr; once."""
        if self.process.stdout.closed:
            return None
        self.process.send_signal(how)
        err = self.process.stderr.read().decode()
        code = self.process.wait(30)
        self.process.stdout.close()
        self.process.stderr.close()
        return code, err

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def ask(self, method, path, body=None, headers=None, key=True):
        """(status, headers, body as bytes)."""
        connection = self.connect()
        sent = {"Authorization": f"Bearer {self.key}"} if key else {}
        data = json.dumps(body) if isinstance(body, (dict, list)) else body
        connection.request(method, path, data, {**sent, **(headers or {})})
        reply = connection.getresponse()
        result = reply.status, reply.headers, reply.read()
        connection.close()
        return result

    def json(self, path, **body):
        status, _, text = self.ask("POST", path, body)
        if status != 200:
            raise AssertionError(f"{status}: {text.decode()}")
        return json.loads(text)

    def chat(self, **body):
        return self.json("/v1/chat/completions", **{"messages": QUESTION, "seed": 7, "max_tokens": 40, **body})

    def begin(self, **body):
        """The reply to a stream, its head read and nothing else."""
        connection = self.connect()
        connection.request("POST", "/v1/chat/completions", json.dumps({"messages": QUESTION, "stream": True, **body}), {"Authorization": f"Bearer {self.key}"})
        return connection, connection.getresponse()

    def stream(self, **body):
        """The objects of a stream."""
        connection, reply = self.begin(**{"seed": 7, "max_tokens": 40, **body})
        text = reply.read().decode()
        connection.close()
        events = text.split("\n\n")
        if events[-2:] != ["data: [DONE]", ""]:
            raise AssertionError(text)
        return [json.loads(event.removeprefix("data: ")) for event in events[:-2]]


def said(reply):
    return reply["choices"][0]["message"]["content"]


class AnswerTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.server = Server(self)

    def test_models_and_health(self):
        status, headers, body = self.server.ask("GET", "/v1/models")
        model, = json.loads(body)["data"]
        self.assertEqual((status, headers["Content-Type"], model["object"], model["id"]), (200, "application/json", "model", self.server.told["model"]))
        self.assertEqual(self.server.ask("GET", "/health", key=False)[::2], (200, b'{"status":"ok"}'))

    def test_the_same_as_on_the_command_line(self):
        whole = self.server.chat()
        alone = self.run_json("chat", "-m", MODEL, "-p", QUESTION[0]["content"], "-n", 40, "--seed", 7)
        self.assertEqual(said(whole), alone["text"])
        self.assertEqual((whole["usage"]["prompt_tokens"], whole["usage"]["completion_tokens"]), (alone["prompt_tokens"], alone["n_tokens"]))
        self.assertEqual(whole["choices"][0]["finish_reason"], "length" if alone["stop_reason"] == "length" else "stop")
        text = self.server.json("/v1/completions", prompt="Thank you for", seed=3, temperature=0)
        alone = self.run_json("complete", "-m", MODEL, "-p", "Thank you for", "-n", 16, "--temperature", 0)
        self.assertEqual((text["choices"][0]["text"], text["object"]), (alone["text"], "text_completion"))
        echoed = self.server.json("/v1/completions", prompt="Thank you for", temperature=0, echo=True)
        self.assertEqual(echoed["choices"][0]["text"], "Thank you for" + alone["text"])

    def test_streams_say_the_same(self):
        whole, pieces = self.server.chat(), self.server.stream(stream_options={"include_usage": True})
        deltas = [piece["choices"][0]["delta"] for piece in pieces[:-1]]
        self.assertEqual("".join(delta.get("content", "") for delta in deltas), said(whole))
        self.assertEqual([delta.get("role") for delta in deltas], ["assistant"] + [None] * (len(deltas) - 1))
        self.assertEqual([piece["choices"][0]["finish_reason"] for piece in pieces[:-1]], [None] * (len(deltas) - 1) + [whole["choices"][0]["finish_reason"]])
        self.assertEqual((pieces[-1]["choices"], pieces[-1]["usage"]["completion_tokens"]), ([], whole["usage"]["completion_tokens"]))
        self.assertEqual(len({piece["id"] for piece in pieces}), 1)
        self.assertNotIn("usage", self.server.stream()[-1])

    def test_several_answers(self):
        three = self.server.chat(n=3)["choices"]
        self.assertEqual([choice["index"] for choice in three], [0, 1, 2])
        self.assertEqual(three[0]["message"], self.server.chat()["choices"][0]["message"])
        self.assertEqual(len({choice["message"]["content"] for choice in three}), 3)
        pieces = self.server.stream(n=3)
        for index, choice in enumerate(three):
            text = "".join(piece["choices"][0]["delta"].get("content", "") for piece in pieces if piece["choices"][0]["index"] == index)
            self.assertEqual(text, choice["message"]["content"])
        texts = self.server.json("/v1/completions", prompt=["Dear", "Thank you"], n=2, seed=1)["choices"]
        self.assertEqual(texts[2]["text"], self.server.json("/v1/completions", prompt="Thank you", seed=1)["choices"][0]["text"])

    def test_who_asks_at_once_gets_what_he_would_get_alone(self):
        alone = [said(self.server.chat(seed=seed)) for seed in range(6)]
        self.assertEqual(program.in_parallel(lambda seed: said(self.server.chat(seed=seed)), range(6)), alone)
        together = [None] * 6
        def ask(seed):
            together[seed] = said(self.server.chat(seed=seed))
        threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(together, alone)

    def test_chance(self):
        self.assertGreater(len({said(self.server.chat(seed=None, temperature=2)) for _ in range(4)}), 1)
        self.assertEqual(len({said(self.server.chat(temperature=0, seed=seed)) for seed in range(3)}), 1)

    def test_messages(self):
        parts = [{"role": "user", "content": [{"type": "text", "text": QUESTION[0]["content"][:10]}, {"type": "text", "text": QUESTION[0]["content"][10:]}]}]
        self.assertEqual(said(self.server.chat(messages=parts)), said(self.server.chat()))
        whole = said(self.server.chat(temperature=0))
        begun = [*QUESTION, {"role": "assistant", "content": whole[:len(whole) // 2]}]
        self.assertTrue(said(self.server.chat(messages=begun, temperature=0)))
        told = self.server.chat(messages=[{"role": "developer", "content": "Be brief."}, *QUESTION])
        self.assertEqual(told["usage"]["prompt_tokens"], self.server.chat(messages=[{"role": "system", "content": "Be brief."}, *QUESTION])["usage"]["prompt_tokens"])
        self.assertGreater(told["usage"]["prompt_tokens"], self.server.chat()["usage"]["prompt_tokens"])

    def test_stop(self):
        whole = said(self.server.chat(temperature=0))
        word = whole.split()[3]
        cut = self.server.chat(temperature=0, stop=word)
        self.assertEqual((said(cut), cut["choices"][0]["finish_reason"]), (whole[:whole.index(word)], "stop"))
        self.assertEqual(said(self.server.chat(temperature=0, stop=["never said", word])), said(cut))

    def test_a_known_beginning_is_not_read_again(self):
        self.server.chat()
        usage = self.server.chat(seed=8)["usage"]
        self.assertGreaterEqual(usage["prompt_tokens_details"]["cached_tokens"], usage["prompt_tokens"] - 1)

    def test_wrong_requests(self):
        good = {"messages": QUESTION, "max_tokens": 3}
        for more, word in (({"messages": []}, "messages"), ({"messages": "hi"}, "messages"), ({"messages": [1]}, "messages"),
                           ({"messages": [{"role": "king", "content": "x"}]}, "role"), ({"messages": [{"role": "user", "content": 3}]}, "content"),
                           ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "another type"),
                           ({"messages": [{"role": "assistant", "content": "x"}]}, "answered"),
                           ({"temperature": "hot"}, "temperature"), ({"temperature": -1}, "temperature"), ({"top_p": 1.5}, "top_p"),
                           ({"max_tokens": 1.5}, "max_tokens"), ({"max_tokens": -2}, "max_tokens"), ({"n": 0}, '"n"'), ({"n": 17}, '"n"'), ({"n": True}, '"n"'),
                           ({"stop": [""]}, "stop"), ({"stop": 3}, "stop"), ({"stop": ["a"] * 17}, "stop"), ({"seed": 1.5}, "seed"), ({"seed": "x"}, "seed"),
                           ({"stream": 1}, "stream"), ({"stream_options": 1}, "stream_options"), ({"tools": [{"type": "function"}]}, "tools"),
                           ({"logprobs": 3}, "logprobs"), ({"response_format": 1}, "response_format"),
                           ({"logit_bias": {"x": 1}}, "logit_bias"), ({"chat_template_kwargs": 1}, "chat_template_kwargs"), ({"reasoning_effort": 1}, "reasoning_effort")):
            status, _, body = self.server.ask("POST", "/v1/chat/completions", {**good, **more})
            error = json.loads(body)["error"]
            self.assertEqual((status, error["type"]), (400, "invalid_request_error"), more)
            self.assertIn(word, error["message"])
        for body in (b"", b"{", b"[]", b"null", b'{"messages": "\xff"}', b"[" * 100000, b'{"messages":' + b"[" * 100000, b'{"a":' + b"[" * 199 + b"]" * 199 + b"}"):
            status, _, text = self.server.ask("POST", "/v1/chat/completions", body)
            self.assertEqual((status, json.loads(text)["error"]["type"]), (400, "invalid_request_error"))
        for more in ({}, {"prompt": []}, {"prompt": 3}, {"prompt": [1, "x"]}, {"prompt": ["x"] * 17}, {"prompt": "x", "best_of": 2}):
            self.assertEqual(self.server.ask("POST", "/v1/completions", more)[0], 400, more)
        harmless = {"tools": [], "logprobs": False, "logit_bias": {}, "frequency_penalty": 0, "response_format": {"type": "text"}, "user": "me", "stop": None, "n": 1}
        self.assertTrue(self.server.chat(**harmless))

    def test_too_long(self):
        status, _, body = self.server.ask("POST", "/v1/chat/completions", {"messages": [{"role": "user", "content": "word " * 5000}], "stream": True})
        message = json.loads(body)["error"]["message"]
        self.assertEqual(status, 400)
        self.assertRegex(message, r"needs 5,\d{3} tokens.* holds 2,048;")
        self.assertEqual(self.server.ask("POST", "/v1/completions", {"prompt": "x" * (33 << 20)})[0], 413)

    def test_places(self):
        self.assertEqual(self.server.ask("GET", "/v1/chat/completions")[0], 405)
        for method, path in (("GET", "/"), ("POST", "/v1/nothing"), ("DELETE", "/v1/models/x"), ("GET", "/" + "x" * 5000)):
            status, _, body = self.server.ask(method, path)
            self.assertEqual((status, json.loads(body)["error"]["code"]), (404, "not_found"))

    def test_who_hangs_up_is_not_written_for(self):
        for _ in range(3):
            replies = [self.server.begin(**ENDLESS, seed=seed) for seed in range(4)]
            waits = self.server.connect()  # for one of the four to end
            waits.request("POST", "/v1/chat/completions", json.dumps({"messages": QUESTION, **ENDLESS}), {"Authorization": f"Bearer {self.server.key}"})
            for connection, reply in replies:
                self.assertEqual(reply.status, 200)
                reply.close()
                connection.close()
            waits.close()
        self.assertTrue(said(self.server.chat()))
        _, err = self.server.end()
        self.assertEqual(err.count(" tokens read"), 1, err)

    def test_bytes_that_are_no_request(self):
        silent = [socket.create_connection(("127.0.0.1", self.server.port)) for _ in range(8)]
        for bytes_sent in (b"\0" * 3000, b"GET\r\n\r\n", b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: -5\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20000):
            with socket.create_connection(("127.0.0.1", self.server.port)) as other:
                try:
                    other.sendall(bytes_sent)
                except OSError:
                    pass  # it was cut off in the middle
        self.assertTrue(said(self.server.chat()))
        for one in silent:
            one.close()

    def test_the_end_in_the_middle_of_an_answer(self):
        connection, reply = self.server.begin(**ENDLESS, seed=1)
        reply.read(10)
        code, _ = self.server.end(signal.SIGTERM)
        self.assertEqual(code, 0)
        rest = reply.read().decode()
        self.assertIn("The server is being ended.", rest[-300:])
        connection.close()


class InfillTest(program.ProgramTest):
    """What stands between two texts, as editors ask for it."""

    def setUp(self):
        super().setUp()
        self.model = self.home / "infill.gguf"
        marks = {f"tokenizer.ggml.fim_{name}_token_id": small_model.Typed("u32", number)
                 for name, number in (("pre", small_model.USER), ("suf", small_model.ASSISTANT), ("mid", small_model.END))}
        small_model.write_model(self.model, more={**marks, "tokenizer.ggml.eot_token_id": small_model.Typed("u32", small_model.EOS)})
        self.server = Server(self, model=self.model)

    def tokens(self, text):
        return len(self.run_json("tokenize", "-m", self.model, "-p", text)["ids"])

    def test_infill(self):
        asked = {"input_prefix": "One\n", "prompt": "two", "input_suffix": "\nfour", "n_predict": 12, "seed": 3, "temperature": 1}
        reply = self.server.json("/infill", **asked)
        marks = 4  # with the beginning of the text
        self.assertEqual(reply["tokens_evaluated"], self.tokens("One\ntwo") + self.tokens("\nfour") + marks)
        self.assertLessEqual(reply["tokens_predicted"], 12)
        self.assertEqual((reply["stop"], reply["truncated"], reply["model"]), (True, False, self.server.told["model"]))
        self.assertEqual(self.server.json("/infill", **asked)["content"], reply["content"])
        others = self.server.json("/infill", **asked, input_extra=[{"filename": "a", "text": "b"}])
        self.assertEqual(others["content"], reply["content"], "this vocabulary has no mark for files")
        completed = self.server.json("/v1/completions", prompt="One\ntwo", suffix="\nfour", max_tokens=12, seed=3, temperature=1)
        self.assertEqual((completed["choices"][0]["text"], completed["usage"]["prompt_tokens"]), (reply["content"], reply["tokens_evaluated"]))
        self.assertNotEqual(self.server.json("/infill", **{**asked, "input_suffix": "\nnine and ten"})["content"], reply["content"])
        two = self.server.json("/infill", **asked, n_cmpl=2)
        self.assertEqual((len(two), two[0]["content"]), (2, reply["content"]))
        fields = self.server.json("/infill", **asked, response_fields=["content", "timings/prompt_n", "nothing", "stop/x", ""])
        self.assertEqual(set(fields), {"content", "timings/prompt_n"})

    def test_wrong_requests(self):
        for more in ({"input_prefix": 3}, {"input_extra": 1}, {"input_extra": [1]}, {"input_extra": [{"text": 1}]}, {"response_fields": "content"}, {"response_fields": [1]},
                     {"t_max_predict_ms": -1}, {"stream": True}):
            self.assertEqual(self.server.ask("POST", "/infill", {"input_prefix": "a", **more})[0], 400, more)
        for more in ({"prompt": ["a", "b"], "suffix": "c"}, {"prompt": "a", "suffix": 3}, {"prompt": "a", "suffix": "b", "echo": True}):
            self.assertEqual(self.server.ask("POST", "/v1/completions", more)[0], 400, more)

    def test_a_model_that_cannot(self):
        server = Server(self)
        for path, body in (("/infill", {"input_prefix": "a", "input_suffix": "b"}), ("/v1/completions", {"prompt": "a", "suffix": "b"})):
            status, _, text = server.ask("POST", path, body)
            self.assertEqual((status, json.loads(text)["error"]["code"]), (400, "unsupported"))


class GateTest(program.ProgramTest):
    def test_key(self):
        server = Server(self)
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": server.key}, {"Authorization": f"Bearer {server.key}x"}, {"Authorization": f"Bearer {server.key[:-1]}"}):
            status, _, body = server.ask("GET", "/v1/models", headers=headers, key=False)
            self.assertEqual((status, json.loads(body)["error"]["type"]), (401, "authentication_error"))
        self.assertEqual(server.ask("GET", "/v1/models", headers={"Authorization": f"bearer {server.key}"}, key=False)[0], 200)
        kept = self.home / ".config" / "foreword" / "server-key"
        self.assertEqual((kept.read_text().strip(), stat.S_IMODE(kept.stat().st_mode)), (server.key, 0o600))
        server.end()
        self.assertEqual(Server(self).key, server.key)
        self.assertEqual(Server(self, "--key", "a-key-of-mine").key, "a-key-of-mine")
        self.assertEqual(Server(self, "--no-key").ask("GET", "/v1/models", key=False)[0], 200)
        kept.write_text("two words\n")
        unheard = Server(self)
        self.assertNotEqual(unheard.key, server.key)
        self.assertIn("holds no key", unheard.end()[1])

    def test_pages_in_browsers(self):
        server = Server(self, "--allow-origin", "https://app.example", "--allow-host", "desk.local")
        for headers, status in (({"Host": "evil.example"}, 403), ({"Host": "evil.example:80"}, 403), ({"Host": ""}, 403), ({"Host": "1.2.3.evil"}, 403), ({"Host": "localhost:99"}, 200),
                                ({"Host": "LOCALHOST"}, 200), ({"Host": "[::1]:3673"}, 200), ({"Host": "192.168.0.7"}, 200), ({"Host": "desk.local:3673"}, 200),
                                ({"Origin": "https://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Origin": "https://app.example"}, 200)):
            got, sent, _ = server.ask("GET", "/v1/models", headers=headers)
            self.assertEqual((got, sent["Access-Control-Allow-Origin"]), (status, "https://app.example" if headers.get("Origin") == "https://app.example" else None), headers)
        asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        status, headers, _ = server.ask("OPTIONS", "/v1/chat/completions", headers=asked, key=False)
        self.assertEqual((status, headers["Access-Control-Allow-Origin"]), (204, "https://app.example"))
        self.assertEqual(server.ask("OPTIONS", "/v1/chat/completions", headers={**asked, "Origin": "https://evil.example"}, key=False)[0], 403)

    def test_wrong_use(self):
        for arguments in (["--no-key", "--host", "0.0.0.0"], ["--no-key", "--allow-origin", "*"], ["--key", "short"], ["--key", "with a space"], ["--port", 70000], ["--key", ""]):
            self.assertEqual(self.run_program("serve", "-m", MODEL, *arguments).returncode, program.WRONG_USE, arguments)

    def test_what_cannot_be_served(self):
        taken = Server(self)
        done = self.run_program("serve", "-m", MODEL, "--port", taken.port)
        self.assertEqual(done.returncode, program.FAILURE)
        self.assertIn(str(taken.port), done.stderr.decode())
        self.assertEqual(self.run_program("serve", "-m", MODEL, "--host", "203.0.113.1").returncode, program.FAILURE)
        (self.home / "no.gguf").write_bytes(b"nothing")
        self.assertEqual(self.run_program("serve", "-m", self.home / "no.gguf", "--port", 0).returncode, program.FAILURE)

    def test_a_build_without_it(self):
        self.use_installed_program()
        done = self.run_program("serve", "-m", MODEL, "--port", 0)
        self.assertEqual(done.returncode, program.FAILURE)
        self.assertIn("has no server", done.stderr.decode())

    def test_a_plugin_of_another_version(self):
        os.environ["FOREWORD_SERVER_PLUGIN"] = str(MODEL)
        self.addCleanup(os.environ.pop, "FOREWORD_SERVER_PLUGIN")
        done = self.run_program("serve", "-m", MODEL, "--port", 0)
        self.assertEqual(done.returncode, program.FAILURE)
        self.assertIn("cannot be loaded", done.stderr.decode())


@unittest.skipIf(screen.WHY_NOT, screen.WHY_NOT)
class WindowTest(program.ProgramTest):
    """The same in the window's program, where it is a setting."""

    def window(self, display):
        window = self.enterContext(screen.Window(display, self.home, "--server-port", 0))
        window.wait("the built-in model", lambda frame: frame["model"] == "ready")
        return window

    def ask(self, url, **body):
        host, path = url.removeprefix("http://").split("/", 1)
        connection = http.client.HTTPConnection(host, timeout=120)
        key = (self.home / ".config" / "foreword" / "server-key").read_text().strip()
        connection.request("POST", f"/{path}/chat/completions", json.dumps({"messages": QUESTION, **body}), {"Authorization": f"Bearer {key}"})
        return connection, connection.getresponse()

    def test_a_setting(self):
        display = self.enterContext(screen.Screen(self.home))
        first = self.window(display)
        self.assertEqual(first.wait("a frame", lambda frame: True)["server"], "")
        first.focus()
        first.hand("key", "ctrl+q")
        self.assertEqual(first.finish(), program.OK, first.errors())
        with closing(sqlite3.connect(self.home / ".local/share/foreword/foreword.db")) as database, database:
            database.execute("INSERT INTO settings VALUES ('server', 'on')")
        window = self.window(display)
        url = window.wait("the server", lambda frame: frame["server"])["server"]
        connection, reply = self.ask(url, seed=7, max_tokens=40)
        alone = self.run_json("chat", "-m", MODEL, "-p", QUESTION[0]["content"], "-n", 40, "--seed", 7, "--data-dir", self.home / "other")
        self.assertEqual(said(json.loads(reply.read())), alone["text"])
        connection.close()
        connection, reply = self.ask(url, **ENDLESS, stream=True, seed=2)
        reply.read(10)
        window.focus()
        window.hand("key", "ctrl+q")
        self.assertEqual(window.finish(), program.OK, window.errors())
        self.assertIn("The server is being ended.", reply.read().decode()[-300:])
        connection.close()
        with closing(sqlite3.connect(self.home / ".local/share/foreword/foreword.db")) as database:
            self.assertEqual(database.execute("SELECT count(*) FROM chats").fetchone(), (0,), "nothing of it is kept")


def main():
    """As program.main(), where this build has the server."""
    if (program.Path(program.PROGRAM).parent / "lib/foreword/plugins/foreword_server.so").is_file():
        program.main()
    else:
        print("This build has no server.")
        raise SystemExit(77)


if __name__ == "__main__":
    main()
