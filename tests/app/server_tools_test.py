"""Tools over the local server: a call that has to be made keeps its schema, calls are told apart from what is said, results go back in."""

import json

import program
import server_test
from server_test import QUESTION, Server

WEATHER = {"type": "function", "function": {
    "name": "get_weather", "description": "How warm it is.",
    "parameters": {"type": "object", "required": ["city", "unit"], "additionalProperties": False,
                   "properties": {"city": {"type": "string", "maxLength": 12}, "unit": {"$ref": "#/$defs/unit"}}, "$defs": {"unit": {"enum": ["C", "F"]}}}}}
STOP = {"type": "function", "function": {"name": "stop"}}
CALLS = r'root ::= "Let me look.\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Oslo\", \"unit\": \"C\"}}\n</tool_call>"'


class ToolsTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.server = Server(self)

    def choice(self, **body):
        return self.server.chat(**{"tools": [WEATHER, STOP], **body})["choices"][0]

    def test_a_call_that_has_to_be_made(self):
        for seed in range(4):
            for choice in ("required", {"type": "function", "function": {"name": "get_weather"}}):
                told = self.choice(tool_choice=choice, seed=seed, max_tokens=80, temperature=1.5)
                call, = told["message"]["tool_calls"]
                self.assertEqual((told["finish_reason"], told["message"]["content"], call["type"], len(call["id"])), ("tool_calls", None, "function", 9))
                arguments = json.loads(call["function"]["arguments"])
                if call["function"]["name"] == "get_weather":
                    self.assertEqual((set(arguments), arguments["unit"] in "CF", len(arguments["city"]) <= 12), ({"city", "unit"}, True, True))
                else:
                    self.assertEqual((call["function"]["name"], choice), ("stop", "required"))

    def test_calls_stand_apart(self):
        told = self.choice(grammar=CALLS, max_tokens=200)
        call, = told["message"]["tool_calls"]
        self.assertEqual((told["finish_reason"], told["message"]["content"]), ("tool_calls", "Let me look."))
        self.assertEqual((call["function"]["name"], json.loads(call["function"]["arguments"])), ("get_weather", {"city": "Oslo", "unit": "C"}))
        self.assertNotIn("tool_calls", self.choice(grammar=CALLS, max_tokens=5)["message"])
        without = self.server.chat(grammar=CALLS, max_tokens=200)["choices"][0]
        self.assertEqual((without["finish_reason"], "<tool_call>" in without["message"]["content"]), ("stop", True))
        self.assertIn("<tool_call>", self.choice(grammar=CALLS, tool_choice="none", max_tokens=200)["message"]["content"])

    def test_streamed(self):
        pieces = [piece["choices"][0] for piece in self.server.stream(tools=[WEATHER, STOP], grammar=CALLS, max_tokens=200)]
        said = "".join(piece["delta"].get("content") or "" for piece in pieces)
        calls = [call for piece in pieces for call in piece["delta"].get("tool_calls", [])]
        self.assertEqual((said.strip(), pieces[-1]["finish_reason"]), ("Let me look.", "tool_calls"))
        self.assertEqual([(call["index"], call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls], [(0, "get_weather", {"city": "Oslo", "unit": "C"})])
        text = "".join(piece["choices"][0]["delta"].get("content", "") for piece in self.server.stream(tools=[WEATHER]))
        self.assertEqual(text, self.server.chat(tools=[WEATHER])["choices"][0]["message"]["content"])

    def test_results_go_back_in(self):
        call, = self.choice(grammar=CALLS, max_tokens=200)["message"]["tool_calls"]
        messages = [*QUESTION, {"role": "assistant", "content": None, "tool_calls": [call]}, {"role": "tool", "tool_call_id": call["id"], "content": "3 degrees"}]
        told = self.server.chat(messages=messages, tools=[WEATHER, STOP], temperature=0)
        self.assertTrue(told["choices"][0]["message"]["content"])
        other = self.server.chat(messages=messages[:1], tools=[WEATHER, STOP], temperature=0)
        self.assertGreater(told["usage"]["prompt_tokens"], other["usage"]["prompt_tokens"] + 20)
        self.assertGreater(other["usage"]["prompt_tokens"], self.server.chat()["usage"]["prompt_tokens"] + 50)

    def test_wrong_requests(self):
        for more, word in (({"tools": 1}, "tools"), ({"tools": [WEATHER, WEATHER]}, "name"), ({"tools": [{"type": "x"}]}, "function"), ({"tool_choice": "required", "tools": []}, "tool_choice"),
                           ({"tool_choice": "maybe"}, "tool_choice"), ({"tool_choice": "required", "grammar": 'root ::= "x"'}, "form"), ({"functions": [{"name": "x"}], "tools": []}, "tools"),
                           ({"messages": [*QUESTION, {"role": "assistant", "tool_calls": 1}]}, "tool_calls"), ({"messages": [*QUESTION, {"role": "assistant", "tool_calls": [{}]}]}, "function"),
                           ({"tool_choice": "required", "tools": [{"type": "function", "function": {"name": "x", "parameters": {"type": "object", "unevaluatedProperties": False}}}]}, "unevaluated")):
            status, _, text = self.server.ask("POST", "/v1/chat/completions", {"messages": QUESTION, "tools": [WEATHER], "max_tokens": 2, **more})
            self.assertEqual(status, 400, more)
            self.assertIn(word, json.loads(text)["error"]["message"])


if __name__ == "__main__":
    server_test.main()
