"""Answers of a given form: --grammar and --json-schema, and what the server's clients send, all through the program itself.

Whether JSON fits its schema is decided by python3-jsonschema, which knows nothing of our grammars.
"""

import json
import re
import sys
import unittest

import program
from server_test import MODEL, QUESTION, Server

try:
    import jsonschema
except ImportError:
    print("skipped: python3-jsonschema is not installed")
    sys.exit(77)

PERSON = {"type": "object", "required": ["name", "age", "tags"], "properties": {
    "name": {"type": "string", "minLength": 1, "maxLength": 12},
    "age": {"type": "integer", "minimum": 0, "maximum": 120},
    "zip": {"type": "string", "pattern": "^[0-9]{5}$"},
    "tags": {"type": "array", "items": {"enum": ["kind", "brave \"and\" small", "é"]}, "minItems": 1, "maxItems": 3}}}
SCHEMAS = [
    PERSON,
    {"enum": ["red", 7, None, {"a": [1.5, True]}]},
    {"type": "array", "items": {"type": "number", "minimum": -1.5, "exclusiveMaximum": 2}, "maxItems": 4},
    {"type": "string", "format": "date"},
    {"anyOf": [{"type": "boolean"}, {"type": "object", "properties": {"at": {"type": "string", "format": "date-time"}}, "required": ["at"]}]},
    {"$ref": "#/$defs/tree", "$defs": {"tree": {"type": "object", "properties": {"left": {"$ref": "#/$defs/tree"}, "leaf": {"const": 1}}, "additionalProperties": False}}},
    {"type": "object", "additionalProperties": {"type": "integer"}, "maxProperties": 3},
]
GRAMMAR = 'root ::= ("It is " colour | "They are " colour " and " colour) "."\ncolour ::= "red" | "dark "? "blue" | [a-z]{3,9} "ish"\n'
SHAPE = re.compile(r"(It is C|They are C and C)\.".replace("C", r"(red|(dark )?blue|[a-z]{3,9}ish)"))


def fits(value, schema):
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(value)


class FormsTest(program.ProgramTest):
    def complete(self, *arguments, seed=1):
        return self.run_json("complete", "-m", MODEL, "-p", "Here is what I know: ", "-n", 400, "--seed", seed, *arguments)

    def test_json_fits_its_schema_and_drafts_change_nothing(self):
        done = 0
        for number, schema in enumerate(SCHEMAS):
            text = json.dumps(schema)
            def answer(seed):
                drawing = ("--temperature", 1.3, "--top-k", 0) if seed % 2 else ()
                return [self.complete("--json-schema", text, *drawing, *more, seed=seed) for more in ((), ("--draft", "off"))]
            for drafted, plain in program.in_parallel(answer, range(3)):
                self.assertEqual(drafted["text"], plain["text"])
                if plain["stop_reason"] == "length":
                    continue
                done += 1
                self.assertEqual(plain["stop_reason"], "eos")
                fits(json.loads(plain["text"]), schema)
        self.assertGreater(done, 2 * len(SCHEMAS))

    def test_any_json(self):
        for seed in range(4):
            answer = self.complete("--json-schema", "{}", "--temperature", 2, seed=seed)
            if answer["stop_reason"] == "eos":
                json.loads(answer["text"])

    def test_grammar(self):
        file = self.home / "colours.gbnf"
        file.write_text(GRAMMAR)
        answers = {self.complete("--grammar", file, "--temperature", 2, seed=seed)["text"] for seed in range(12)}
        for answer in answers:
            self.assertRegex(answer, SHAPE)
        self.assertGreater(len(answers), 3)

    def test_a_schema_in_a_file(self):
        file = self.home / "person.json"
        file.write_text(json.dumps(PERSON))
        answer = self.complete("--json-schema", file)
        self.assertEqual(answer["text"], self.complete("--json-schema", json.dumps(PERSON))["text"])
        fits(json.loads(answer["text"]), PERSON)
        self.assertEqual(list(json.loads(answer["text"])), [key for key in PERSON["properties"] if key in json.loads(answer["text"])], "in the schema's order")

    def test_every_answer_of_a_chat(self):
        out = self.run_ok("chat", "-m", MODEL, "--json", "--json-schema", '{"type": "boolean"}', stdin=b"Is it late?\nAre you sure?\n").decode()
        for line in out.splitlines():
            self.assertIn(json.loads(line)["text"], ("true", "false"))
        self.assertEqual(out.count("\n"), 2)

    def test_wrong_forms(self):
        wrong = self.home / "wrong.gbnf"
        wrong.write_text('root ::= "a"\nroot ::= "b"\n')
        for arguments, word in (((("--grammar", wrong)), "Line 2"), (("--grammar", self.home / "none"), "none"), (("--json-schema", "{"), "JSON"),
                                (("--json-schema", '{"type": "objekt"}'), "type"), (("--json-schema", '{"if": true, "$ref": "#/nowhere"}'), "nowhere"),
                                (("--json-schema", '{"type": "string", "pattern": "(?<=a)b"}'), "pattern"), (("--json-schema", "false"), "false"),
                                (("--json-schema", '{"type": "array", "contains": {"type": "string"}}'), "contains")):
            self.assertIn(word, self.refused(program.FAILURE, "complete", "-m", MODEL, "-p", "x", *arguments))
        self.assertEqual(self.run_program("complete", "-p", "x", "--grammar", wrong, "--json-schema", "{}").returncode, program.WRONG_USE)

    def test_a_word_that_is_no_keyword_is_told(self):
        done = self.run_program("complete", "-m", MODEL, "-p", "x", "-n", 3, "--json-schema", '{"type": "boolean", "titel": "x"}')
        self.assertIn(b"titel", done.stderr)
        self.assertIn(done.stdout, (b"true\n", b"false\n"))


class FormsOfTheServerTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.server = Server(self)

    def text(self, **body):
        return self.server.chat(max_tokens=400, **body)["choices"][0]["message"]["content"]

    def test_what_clients_send(self):
        of_openai = {"type": "json_schema", "json_schema": {"name": "person", "strict": True, "schema": PERSON}}
        person = self.text(response_format=of_openai)
        fits(json.loads(person), PERSON)
        for same in ({"response_format": {"type": "json_object", "schema": PERSON}}, {"json_schema": PERSON},
                     {"response_format": {"type": "text"}, "json_schema": PERSON, "grammar": ""}):
            self.assertEqual(self.text(**same), person)
        self.assertEqual(list(json.loads(person))[0], "name", "members come in the order of the schema")
        for choice in self.server.chat(response_format={"type": "json_object"}, n=6, max_tokens=300)["choices"]:
            content = choice["message"]["content"]
            self.assertIsInstance(json.loads(content) if choice["finish_reason"] == "stop" else {}, dict)
            self.assertTrue(content.startswith("{"))
        self.assertRegex(self.text(grammar=GRAMMAR), SHAPE)
        self.assertRegex(self.server.json("/v1/completions", prompt="The walls: ", grammar=GRAMMAR, max_tokens=100)["choices"][0]["text"], SHAPE)
        streamed = self.server.stream(response_format=of_openai, seed=7, max_tokens=400)
        self.assertEqual("".join(event["choices"][0]["delta"].get("content") or "" for event in streamed if event["choices"]), person)

    def test_several_at_once(self):
        answers = self.server.chat(json_schema={"enum": ["red", "green", "blue"]}, n=4, temperature=2)["choices"]
        self.assertEqual({choice["finish_reason"] for choice in answers}, {"stop"})
        for choice in answers:
            self.assertIn(json.loads(choice["message"]["content"]), ("red", "green", "blue"))

    def test_the_beginning_of_the_answer(self):
        go_on = [*QUESTION, {"role": "assistant", "content": '{"name": "An'}]
        rest = self.server.chat(messages=go_on, max_tokens=400, json_schema=PERSON)["choices"][0]["message"]["content"]
        fits(json.loads('{"name": "An' + rest), PERSON)
        status, _, body = self.server.ask("POST", "/v1/chat/completions", {"messages": [*QUESTION, {"role": "assistant", "content": "Sure: "}], "json_schema": PERSON})
        self.assertEqual(status, 400)
        self.assertIn("form", json.loads(body)["error"]["message"])

    def test_wrong_forms(self):
        for more, word in (({"response_format": 1}, "response_format"), ({"response_format": {"type": "xml"}}, "json_schema"),
                           ({"response_format": {"type": "json_schema", "json_schema": 1}}, "json_schema"), ({"grammar": 3}, "grammar"), ({"grammar": "root ::= ["}, "Line 1"),
                           ({"json_schema": {"type": "array", "contains": {"type": "string"}}}, "contains"), ({"json_schema": {"type": 3}}, "type"),
                           ({"json_schema": {}, "grammar": GRAMMAR}, "one")):
            status, _, body = self.server.ask("POST", "/v1/chat/completions", {"messages": QUESTION, "max_tokens": 3, **more})
            error = json.loads(body)["error"]
            self.assertEqual((status, error["type"]), (400, "invalid_request_error"), more)
            self.assertIn(word, error["message"])


if __name__ == "__main__":
    program.main()
