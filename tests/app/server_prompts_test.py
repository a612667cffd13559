"""What the local server tells of texts: vectors, held against the logits that the program writes for the same ids; tokens; templates; counts."""

import base64
import json

import numpy

import program
import server_test
import small_model
from server_test import MODEL, QUESTION, Server

TEXTS = ["Thank you for the letter.", "It rained all day", "Dear Anna"]


class EmbeddingsTest(program.ProgramTest):
    def serve(self, pooling):
        """A server for a small model that is to be pooled so, and its head's weights."""
        self.model = self.home / f"pooled-{pooling}.gguf"
        more = {} if pooling is None else {"llama.pooling_type": small_model.Typed("u32", pooling)}
        weights = small_model.write_model(self.model, more=more).astype(numpy.float64)
        return Server(self, "--kv", "f32", model=self.model), weights

    def vectors(self, server, texts, **more):
        reply = server.json("/v1/embeddings", input=texts, **more)
        self.assertEqual([one["index"] for one in reply["data"]], list(range(len(reply["data"]))))
        return reply, [numpy.array(one["embedding"]) for one in reply["data"]]

    def logits(self, ids):
        self.run_ok("logits", "-m", self.model, "--ids", ",".join(map(str, ids)), "--out", self.home / "logits", "--kv", "f32")
        return numpy.fromfile(self.home / "logits", dtype=numpy.float32).reshape(len(ids), -1).astype(numpy.float64)

    def test_they_are_what_the_head_reads(self):
        server, weights = self.serve(3)
        _, last = self.vectors(server, TEXTS)
        states = {}
        for text, vector in zip(TEXTS, last):
            self.assertAlmostEqual(float(vector @ vector), 1, 5)
            ids = server.json("/tokenize", content=text, add_special=True)["tokens"]
            logits = self.logits(ids)
            told = weights @ vector
            scale = (told @ logits[-1]) / (told @ told)
            self.assertLess(numpy.abs(scale * told - logits[-1]).max(), 1e-3 * numpy.abs(logits[-1]).max())
            # Each token's state, by the vector of the text that ends with it and the scale of its logits.
            _, each = self.vectors(server, [ids[:n] for n in range(1, len(ids) + 1)])
            states[text] = [vector * ((weights @ vector) @ row) / ((weights @ vector) @ (weights @ vector)) for vector, row in zip(each, logits)]
        for pooling in (1, None):
            _, mean = self.vectors(self.serve(pooling)[0], TEXTS)
            for text, vector in zip(TEXTS, mean):
                total = numpy.sum(states[text], axis=0)
                self.assertLess(numpy.abs(vector - total / numpy.linalg.norm(total)).max(), 1e-3)

    def test_shapes(self):
        server, _ = self.serve(None)
        reply, vectors = self.vectors(server, TEXTS)
        self.assertEqual((reply["object"], reply["data"][0]["object"]), ("list", "embedding"))
        self.assertEqual(reply["usage"]["prompt_tokens"], sum(len(server.json("/tokenize", content=text, add_special=True)["tokens"]) for text in TEXTS))
        one, = self.vectors(server, TEXTS[1])[1]
        numpy.testing.assert_array_equal(one, vectors[1])
        coded = server.json("/v1/embeddings", input=TEXTS[1], encoding_format="base64")["data"][0]["embedding"]
        numpy.testing.assert_allclose(numpy.frombuffer(base64.b64decode(coded), dtype="<f4"), one, rtol=1e-6)
        short, = self.vectors(server, TEXTS[1], dimensions=5)[1]
        numpy.testing.assert_allclose(short, one[:5] / numpy.linalg.norm(one[:5]), rtol=1e-5)
        together = program.in_parallel(lambda text: self.vectors(server, text)[1][0], TEXTS)
        for vector, alone in zip(together, vectors):
            numpy.testing.assert_array_equal(vector, alone)

    def test_wrong_requests(self):
        server, unknown = self.serve(None)[0], self.serve(2)[0]
        for body, word in (({}, "input"), ({"input": []}, "input"), ({"input": [""], "encoding_format": "x"}, "encoding_format"), ({"input": "x", "dimensions": 0}, "dimensions"), ({"input": [[-1]]}, "ids"),
                           ({"input": [[]]}, "empty"), ({"input": "word " * 5000}, "holds"), ({"input": "fine"}, "pooled")):
            status, _, text = (unknown if word == "pooled" else server).ask("POST", "/v1/embeddings", body)
            self.assertEqual(status, 400, body)
            self.assertIn(word, json.loads(text)["error"]["message"])


class PromptsTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.server = Server(self)

    def test_tokens_and_back(self):
        for text in ("Thank you, Łódź! 漢字 \U0001f600\n  x", "", " ", "<|im_end|>"):
            ids = self.server.json("/tokenize", content=text, parse_special=False)["tokens"]
            self.assertEqual(ids, self.run_json("tokenize", "-m", MODEL, "-p", text)["ids"] if text else [])
            self.assertEqual(self.server.json("/detokenize", tokens=ids)["content"], text)
            pieces = self.server.json("/tokenize", content=text, with_pieces=True, parse_special=False)["tokens"]
            self.assertEqual([piece["id"] for piece in pieces], ids)
            spelled = b"".join(piece["piece"].encode() if isinstance(piece["piece"], str) else bytes(piece["piece"]) for piece in pieces)
            self.assertEqual(spelled.decode(), text)

    def test_special_tokens(self):
        bare = self.server.json("/tokenize", content="Hi")["tokens"]
        self.assertEqual(self.server.json("/tokenize", content="Hi", add_special=True)["tokens"], self.run_json("tokenize", "-m", MODEL, "--bos", "-p", "Hi")["ids"])
        prompt = self.server.json("/apply-template", messages=QUESTION)["prompt"]
        self.assertIn(QUESTION[0]["content"], prompt)
        ids = self.server.json("/tokenize", content=prompt)["tokens"]
        self.assertEqual(len(ids), self.server.chat()["usage"]["prompt_tokens"])
        self.assertGreater(len(self.server.json("/tokenize", content=prompt, parse_special=False)["tokens"]), len(ids))
        self.assertEqual(self.server.json("/detokenize", tokens=bare)["content"], "Hi")
        tools = [{"type": "function", "function": {"name": "look_up"}}]
        self.assertIn("look_up", self.server.json("/apply-template", messages=QUESTION, tools=tools)["prompt"])

    def test_biases(self):
        plain = self.server.json("/v1/completions", prompt="Thank you for", temperature=0, max_tokens=1)["choices"][0]["text"]
        never, = self.server.json("/tokenize", content=plain)["tokens"]
        other = self.server.json("/v1/completions", prompt="Thank you for", temperature=0, max_tokens=1, logit_bias={never: -100})["choices"][0]["text"]
        self.assertNotEqual(other, plain)
        self.assertEqual(self.server.json("/v1/completions", prompt="Thank you for", temperature=0, max_tokens=1, logit_bias=[[never, False]])["choices"][0]["text"], other)
        wanted, = self.server.json("/tokenize", content=" seven")["tokens"][:1]
        self.assertEqual(self.server.json("/v1/completions", prompt="Thank you for", temperature=0, max_tokens=1, logit_bias={wanted: 100})["choices"][0]["text"],
                         self.server.json("/detokenize", tokens=[wanted])["content"])
        for bias, word in ((3, "logit_bias"), ({"x": 1}, "logit_bias"), ({"5": 101}, "logit_bias"), ([[5]], "logit_bias"), ({"99999999": 1}, "go from 0")):
            status, _, text = self.server.ask("POST", "/v1/completions", {"prompt": "x", "logit_bias": bias})
            self.assertEqual((status, word in json.loads(text)["error"]["message"]), (400, True), bias)

    def test_props_and_metrics(self):
        props = json.loads(self.server.ask("GET", "/props")[2])
        self.assertEqual((props["default_generation_settings"]["n_ctx"], props["total_slots"], props["model_alias"]), (2048, 4, self.server.told["model"]))
        usage = self.server.chat()["usage"]
        _, headers, text = self.server.ask("GET", "/metrics")
        values = dict(line.split() for line in text.decode().splitlines() if not line.startswith("#"))
        self.assertTrue(headers["Content-Type"].startswith("text/plain"))
        self.assertEqual((float(values["foreword_answers_total"]), float(values["foreword_prompt_tokens_total"]), float(values["foreword_answer_tokens_total"]), float(values["foreword_requests_running"])),
                         (1, usage["prompt_tokens"], usage["completion_tokens"], 0))
        for path in ("/props", "/metrics", "/v1/embeddings"):
            self.assertEqual(self.server.ask("GET", path, key=False)[0], 401)

    def test_wrong_requests(self):
        for path, body in (("/tokenize", {"content": 3}), ("/tokenize", {"content": "x", "with_pieces": 1}), ("/detokenize", {}), ("/detokenize", {"tokens": "x"}), ("/detokenize", {"tokens": [-1]}),
                           ("/detokenize", {"tokens": [1 << 30]}), ("/apply-template", {}), ("/apply-template", {"messages": []}), ("/tokenize", [])):
            self.assertEqual(self.server.ask("POST", path, json.dumps(body).encode())[0], 400, (path, body))
        self.assertEqual(self.server.ask("GET", "/tokenize")[0], 405)


if __name__ == "__main__":
    server_test.main()
