"""Chances of tokens that the local server tells ("logprobs"), held against the logits that the program writes for the same ids."""

import json

import numpy

import program
import server_test
from server_test import MODEL, QUESTION, Server

PROMPT = "Thank you for the letter. I was glad to hear from you"


class ChancesTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.server = Server(self, "--kv", "f32")

    def ids_of(self, text):
        return self.run_json("tokenize", "-m", MODEL, "--bos", "-p", text)["ids"]

    def log_softmax(self, ids):
        """[tokens, vocabulary], as `foreword logits` computes them."""
        (self.home / "ids").write_text(",".join(map(str, ids)))
        self.run_ok("logits", "-m", MODEL, "--ids-file", self.home / "ids", "--out", self.home / "logits", "--kv", "f32")
        logits = numpy.fromfile(self.home / "logits", dtype=numpy.float32).reshape(len(ids), -1).astype(numpy.float64)
        return logits - numpy.logaddexp.reduce(logits, axis=1, keepdims=True)

    def complete(self, **body):
        reply, = self.server.json("/v1/completions", **{"temperature": 0, **body})["choices"]
        return reply

    def check(self, chances, ids, log_p, n_best):
        """Those of a text of these ids."""
        self.assertIsNone(chances["token_logprobs"][0])
        self.assertEqual(len(chances["token_logprobs"]), len(ids))
        told = numpy.array(chances["token_logprobs"][1:])
        self.assertLess(numpy.abs(told - log_p[numpy.arange(len(ids) - 1), ids[1:]]).max(), 1e-4)
        for row, best in enumerate(chances["top_logprobs"][1:]):
            self.assertLess(numpy.abs(numpy.array(list(best.values())) - numpy.sort(log_p[row])[::-1][:len(best)]).max(), 1e-4)
            self.assertLessEqual(len(best), n_best)  # two tokens can have one name

    def test_prompt_and_answer(self):
        ids = self.ids_of(PROMPT)
        n = len(ids)
        reply = self.complete(prompt=PROMPT, echo=True, logprobs=3, max_tokens=5)
        for _ in range(5):
            ids.append(int(self.log_softmax(ids)[-1].argmax()))
        log_p, chances = self.log_softmax(ids), reply["logprobs"]
        self.check(chances, ids, log_p, 3)
        self.assertTrue(reply["text"].startswith(PROMPT))
        for token, offset in list(zip(chances["tokens"], chances["text_offset"]))[2:]:
            self.assertTrue(reply["text"][offset:].startswith(token), (token, offset))
        self.assertEqual(self.complete(prompt=PROMPT, logprobs=3, max_tokens=5)["logprobs"]["token_logprobs"], chances["token_logprobs"][n:])

    def test_token_ids(self):
        ids = self.ids_of(PROMPT)
        by_text, by_ids = (self.complete(prompt=prompt, echo=True, logprobs=1, max_tokens=0) for prompt in (PROMPT, ids))
        self.assertEqual(by_ids, by_text)
        self.assertEqual(by_ids["text"], PROMPT)
        self.assertEqual(self.complete(prompt=ids, max_tokens=6)["text"], self.complete(prompt=PROMPT, max_tokens=6)["text"])
        several = self.server.json("/v1/completions", prompt=[ids, self.ids_of("Dear")], temperature=0, max_tokens=3)["choices"]
        self.assertEqual(several[1]["text"], self.complete(prompt="Dear", max_tokens=3)["text"])

    def test_a_prompt_of_several_passes(self):
        text = " ".join(f"In {year} it rained for {year % 31} days." for year in range(1900, 1990))
        ids = self.ids_of(text)
        self.assertGreater(len(ids), 1000)
        for _ in range(2):  # the second time all of it is known
            self.check(self.complete(prompt=text, echo=True, logprobs=2, max_tokens=0)["logprobs"], ids, self.log_softmax(ids), 2)

    def test_how_a_token_is_drawn_does_not_matter(self):
        plain = self.complete(prompt=PROMPT, logprobs=4, max_tokens=1)
        drawn = self.complete(prompt=PROMPT, logprobs=4, max_tokens=1, temperature=1.5, top_k=2, repeat_penalty=1.3, penalty_window=-1, seed=1)
        formed = self.complete(prompt=PROMPT, logprobs=4, max_tokens=1, grammar='root ::= "7"')
        for other in (drawn, formed):
            self.assertEqual(other["logprobs"]["top_logprobs"], plain["logprobs"]["top_logprobs"])
        self.assertLess(formed["logprobs"]["token_logprobs"][0], min(plain["logprobs"]["top_logprobs"][0].values()))

    def test_drafts_change_no_chance(self):
        without = Server(self, "--kv", "f32", "--draft", "off")
        asked = {"prompt": "One, two, three. One, two, three. One, two,", "logprobs": 2, "max_tokens": 40, "temperature": 0}
        self.assertEqual(self.server.json("/v1/completions", **asked)["choices"], without.json("/v1/completions", **asked)["choices"])

    def test_chats_whole_and_streamed(self):
        whole, = self.server.chat(logprobs=True, top_logprobs=2)["choices"]
        content = whole["logprobs"]["content"]
        self.assertEqual(b"".join(bytes(token["bytes"]) for token in content).decode().strip(), whole["message"]["content"].strip())
        self.assertTrue(all(len(token["top_logprobs"]) == 2 and token["logprob"] <= 0 for token in content))
        streamed = [piece["choices"][0]["logprobs"] for piece in self.server.stream(logprobs=True, top_logprobs=2)]
        self.assertEqual([token for chances in streamed if chances for token in chances["content"]], content)
        self.assertEqual([token["top_logprobs"] for token in self.server.chat(logprobs=True)["choices"][0]["logprobs"]["content"]], [[]] * len(content))
        self.assertIsNone(self.server.chat()["choices"][0]["logprobs"])

    def test_completions_streamed(self):
        whole = self.complete(prompt=PROMPT, echo=True, logprobs=2, max_tokens=8)
        connection = self.server.connect()
        connection.request("POST", "/v1/completions", json.dumps({"prompt": PROMPT, "echo": True, "logprobs": 2, "max_tokens": 8, "temperature": 0, "stream": True}),
                           {"Authorization": f"Bearer {self.server.key}"})
        events = connection.getresponse().read().decode().split("\n\n")[:-2]
        connection.close()
        choices = [json.loads(event.removeprefix("data: "))["choices"][0] for event in events]
        self.assertEqual("".join(choice["text"] for choice in choices), whole["text"])
        for key in ("tokens", "token_logprobs", "top_logprobs", "text_offset"):
            self.assertEqual([one for choice in choices if choice["logprobs"] for one in choice["logprobs"][key]], whole["logprobs"][key], key)

    def test_tokens_of_the_text_that_ends_it_are_left_out(self):
        whole = self.complete(prompt=PROMPT, logprobs=0, max_tokens=30)
        word = whole["text"].split()[4]
        cut = self.complete(prompt=PROMPT, logprobs=0, max_tokens=30, stop=" " + word)
        n = len(cut["logprobs"]["tokens"])
        self.assertEqual(cut["logprobs"]["tokens"], whole["logprobs"]["tokens"][:n])
        self.assertEqual("".join(cut["logprobs"]["tokens"]), cut["text"])
        self.assertIsNone(cut["logprobs"]["top_logprobs"])

    def test_wrong_requests(self):
        for path, body, word in (("chat/completions", {"messages": QUESTION, "logprobs": 3}, "logprobs"),
                                 ("chat/completions", {"messages": QUESTION, "top_logprobs": 3}, "needs"),
                                 ("chat/completions", {"messages": QUESTION, "logprobs": True, "top_logprobs": 21}, "top_logprobs"),
                                 ("completions", {"prompt": "x", "logprobs": True}, "logprobs"), ("completions", {"prompt": "x", "logprobs": -1}, "logprobs"),
                                 ("completions", {"prompt": "x", "top_logprobs": 1}, "belongs"), ("completions", {"prompt": [1, "x"]}, "prompt"),
                                 ("completions", {"prompt": [1, -2]}, "ids"), ("completions", {"prompt": [1, 1 << 30]}, "go from 0"), ("completions", {"prompt": [[]]}, "empty")):
            status, _, text = self.server.ask("POST", f"/v1/{path}", body)
            self.assertEqual(status, 400, body)
            self.assertIn(word, json.loads(text)["error"]["message"])


if __name__ == "__main__":
    server_test.main()
