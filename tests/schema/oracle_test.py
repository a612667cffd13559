"""Texts of the grammars of schemas against an independent validator, python3-jsonschema with formats of this file.

The cases are tests/data/schemas/*.json. For each: random texts of the grammar are JSON and validate; the case's valid values are taken, in
four ways of writing them; its invalid ones are not, nor what the validator refuses of values with one thing changed; what is refused is
refused by name. Schemas at random beside them. FOREWORD_SAMPLES and FOREWORD_SEED change the numbers. Exit code 77 means skipped.
"""

import datetime
import decimal
import ipaddress
import json
import os
import random
import re
import subprocess
import sys
import unittest
import urllib.parse
from decimal import Decimal
from pathlib import Path

try:
    import jsonschema
except ImportError:
    sys.exit(77)

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("FOREWORD_SCHEMA_SAMPLES", str(ROOT / "build/tests/schema_samples"))
SAMPLES = int(os.environ.get("FOREWORD_SAMPLES", "40"))
SEED = int(os.environ.get("FOREWORD_SEED", "1"))
SCHEMAS = 50 * SAMPLES  # at random
MUTANTS = 60

HOST = r"(?=.{1,253}$)(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*"


def is_date(text):
    return re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) and datetime.date.fromisoformat(text)


def is_time(text):
    match = re.fullmatch(r"(\d\d):(\d\d):(\d\d)(\.\d+)?(Z|[+-](\d\d):(\d\d))", text, re.ASCII)
    return match and datetime.time(*map(int, match.groups()[:3])) is not None and (match[6] is None or (int(match[6]) < 24 and int(match[7]) < 60))


def is_uri(text):
    parts = urllib.parse.urlsplit(text)
    return parts.scheme and is_uri_reference(text) and (not parts.netloc or re.fullmatch(r"[A-Za-z0-9.-]+(:\d+)?", parts.netloc))


def is_uri_reference(text):
    urllib.parse.urlsplit(text)
    return re.fullmatch(r"([A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*", text) and text.count("#") <= 1


POINTER = r"(/([^~/]|~[01])*)*"
DURATION_TIME = r"T(\d+H(\d+M(\d+S)?)?|\d+M(\d+S)?|\d+S)"
FORMATS = {
    "date": is_date,
    "time": is_time,
    "date-time": lambda text: text[10] == "T" and is_date(text[:10]) and is_time(text[11:]),
    "duration": lambda text: re.fullmatch(rf"P((\d+Y(\d+M(\d+D)?)?|\d+M(\d+D)?|\d+D)({DURATION_TIME})?|{DURATION_TIME}|\d+W)", text, re.ASCII),
    "email": lambda text: re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*", text.split("@")[0]) and len(text.split("@")[0]) <= 64
    and re.fullmatch(HOST, text.split("@")[1]),
    "hostname": lambda text: re.fullmatch(HOST, text),
    "ipv4": ipaddress.IPv4Address,
    "ipv6": ipaddress.IPv6Address,
    "uri": is_uri,
    "uri-reference": is_uri_reference,
    "uuid": lambda text: re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", text),
    "json-pointer": lambda text: re.fullmatch(POINTER, text, re.DOTALL),
    "relative-json-pointer": lambda text: re.fullmatch(rf"(0|[1-9]\d*)(#|{POINTER})", text, re.DOTALL),
    "regex": re.compile,
}
decimal.getcontext().prec = 500  # remainders of numbers with an exponent

RANGES = {"int32": 31, "int64": 63}
CHECKER = jsonschema.FormatChecker(formats=())
for name, bits in RANGES.items():
    CHECKER.checks(name)(lambda value, bits=bits: isinstance(value, (str, bool)) or not isinstance(value, (int, Decimal)) or -2**bits <= value < 2**bits)
for name, check in FORMATS.items():
    CHECKER.checks(name, raises=(ValueError, IndexError, re.error))(lambda value, check=check: not isinstance(value, str) or bool(check(value)))


def pattern(validator, pattern, text, schema):
    """ECMA-262 and Python agree on what is a digit, a letter, a space only within ASCII."""
    if isinstance(text, str) and not re.search(pattern, text, re.ASCII):
        yield jsonschema.ValidationError(f"{text!r} does not match {pattern!r}")


def loads(text):
    return json.loads(text, parse_float=Decimal)


def dumps(value, **how):
    def plain(part):
        if isinstance(part, Decimal):
            return float(part)
        if isinstance(part, list):
            return [plain(item) for item in part]
        if isinstance(part, dict):
            return {name: plain(item) for name, item in part.items()}
        return part
    return json.dumps(plain(value), **how)


def written(value, compact_only):
    compact = dumps(value, separators=(",", ":"), ensure_ascii=False)
    return [compact] if compact_only else [compact, dumps(value, ensure_ascii=False), dumps(value, ensure_ascii=False, indent=2), dumps(value, ensure_ascii=False, indent="\t")]


class Mutations:
    """Values with one thing changed."""

    SCRAPS = [None, True, 0, -1, 7, 1.5, "", "x", "a b", [], [1], {}, {"x": 1}]

    def __init__(self, seed):
        self.random = random.Random(seed)

    def changed(self, value):
        kind = self.random.randrange(4)
        if isinstance(value, dict) and value and kind:
            name = self.random.choice(list(value))
            rest = {other: part for other, part in value.items() if other != name}
            if kind == 1:
                return rest
            if kind == 2:
                return {**value, name: self.changed(value[name])}
            return {**value, self.random.choice(["x", "a", "zz", name + "x"]): self.random.choice(self.SCRAPS)}
        if isinstance(value, list) and value and kind:
            at = self.random.randrange(len(value))
            if kind == 1:
                return value[:at] + value[at + 1:]
            if kind == 2:
                return value[:at] + [self.changed(value[at])] + value[at + 1:]
            return value + [self.random.choice(value + self.SCRAPS)]
        if isinstance(value, str) and value and kind:
            at = self.random.randrange(len(value))
            return value[:at] + self.random.choice(["", "a", "0", "-", " ", value[at] * 2]) + value[at + 1:]
        if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) and kind:
            return value + self.random.choice([-100, -1, 1, 2, 1000]) if kind < 3 else -value
        return self.random.choice(self.SCRAPS)


class RandomSchemas:
    """Small schemas of keywords in any company, about few values, so that they meet."""

    VALUES = [None, True, False, 0, 1, 2, 5, 1.5, "", "a", "b", "ab", "ba", [], [1], [1, "a"], ["a", "a"], [None], {}, {"a": 1}, {"b": "a"}, {"a": "a", "b": 1}, {"a": 1, "b": 1}, {"a": {"b": 1}}, {"c": None}]
    TYPES = ["null", "boolean", "integer", "number", "string", "array", "object"]

    def __init__(self, seed):
        self.random = random.Random(seed)
        any_schema, number = lambda d: self.schema(d + 1), lambda d: self.random.choice([0, 1, 1.5, 2, 5])
        count, name = lambda d: self.random.randrange(3), lambda: self.random.choice("abc")
        several = lambda d: [self.schema(d + 1) for _ in range(self.random.randrange(1, 4))]
        self.keywords = {
            "type": lambda d: self.random.choice(self.TYPES), "enum": lambda d: self.random.sample(self.VALUES, 3), "const": lambda d: self.random.choice(self.VALUES),
            "minimum": number, "maximum": number, "exclusiveMinimum": number, "exclusiveMaximum": number, "multipleOf": lambda d: self.random.choice([0.5, 1, 2]),
            "minLength": count, "maxLength": count, "pattern": lambda d: self.random.choice(["a", "^b", "a$", "^(ab)*$"]),
            "properties": lambda d: {name(): self.schema(d + 1) for _ in range(2)}, "required": lambda d: [name()], "additionalProperties": any_schema,
            "patternProperties": lambda d: {self.random.choice(["a", "^b", "."]): self.schema(d + 1)}, "propertyNames": lambda d: {"maxLength": 1}, "minProperties": count, "maxProperties": count,
            "dependentRequired": lambda d: {name(): [name()]}, "dependentSchemas": lambda d: {name(): self.schema(d + 1)},
            "items": any_schema, "prefixItems": several, "minItems": count, "maxItems": count, "uniqueItems": lambda d: self.random.random() < 0.2,
            "anyOf": several, "oneOf": several, "oneOf ": several, "allOf": several, "not": any_schema, "not ": any_schema, "if": any_schema, "then": any_schema, "else": any_schema, "$ref": lambda d: "#/$defs/x",
        }

    def schema(self, depth=0):
        if depth > 3 or self.random.random() < 0.1:
            return self.random.choice([True, False, {"type": "string"}, {"type": "integer"}, {"type": "object"}, {"const": self.random.choice(self.VALUES)}])
        names = self.random.sample(list(self.keywords), self.random.randrange(1, 4))
        made = {name.strip(): self.keywords[name](depth) for name in names}
        if depth == 0:
            made["$defs"] = {"x": self.schema(2)}
        return made


class Oracle(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        cls.cases = [(f"{path.stem} {i}", case) for path in sorted((ROOT / "tests/data/schemas").glob("*.json")) for i, case in enumerate(loads(path.read_text()))]
        cls.n_samples = cls.n_mutants = 0
        cls.times = []

    @classmethod
    def tearDownClass(cls):
        cls.program.stdin.close()
        cls.program.stdout.close()
        cls.program.wait()
        times = sorted(cls.times)
        print(f"{cls.n_samples} texts and {cls.n_mutants} changed values of {len(times)} schemas; compiled in {times[len(times) // 2]:.2f} ms (median), {times[len(times) * 99 // 100]:.1f} ms (99 %)")

    def ask(self, schema, samples=0, texts=()):
        request = {"schema": schema if isinstance(schema, str) else dumps(schema), "seed": SEED, "samples": samples, "texts": list(texts)}
        self.program.stdin.write(json.dumps(request).encode() + b"\n")
        self.program.stdin.flush()
        answer = json.loads(self.program.stdout.readline())
        self.times.append(answer["ms"])
        return answer

    def test_every_text_validates(self):
        mutations = Mutations(SEED)
        for name, case in self.cases:
            if "refused" in case:
                continue
            with self.subTest(name, schema=dumps(case["schema"]), seed=SEED):
                schema = case["schema"]
                validator_class = jsonschema.validators.validator_for(schema if isinstance(schema, dict) else {}, default=jsonschema.Draft202012Validator)
                validator = jsonschema.validators.extend(validator_class, {"pattern": pattern})(schema, format_checker=CHECKER)
                compact = case.get("compact", False)
                valid = [text for value in case["valid"] for text in written(value, compact)]
                invalid = [text for value in case["invalid"] for text in written(value, compact)]
                for text in valid:
                    self.assertTrue(validator.is_valid(loads(text)), f"the case's own {text}")
                for text in invalid:
                    self.assertFalse(validator.is_valid(loads(text)), f"the case's own {text}")
                answer = self.ask(schema, SAMPLES, valid + invalid)
                self.assertNotIn("error", answer)
                self.assertGreater(len(answer["samples"]), SAMPLES * 0.5)
                values = [loads(text) for text in case["valid"] for text in written(text, True)]
                for text in answer["samples"]:
                    value = loads(text)
                    error = next(validator.iter_errors(value), None)
                    self.assertIsNone(error, text)
                    values.append(value)
                for text, fits in zip(valid + invalid, answer["fits"]):
                    self.assertEqual(fits, text in valid, text)
                changed = [mutations.changed(mutations.random.choice(values)) for _ in range(MUTANTS)]
                texts = [written(value, True)[0] for value in changed]
                fits = self.ask(schema, 0, texts)["fits"]
                for text, fit in zip(texts, fits):
                    if fit:
                        self.assertTrue(validator.is_valid(loads(text)), text)
                type(self).n_samples += len(answer["samples"])
                type(self).n_mutants += len(texts)

    def test_random_schemas(self):
        schemas, texts = RandomSchemas(SEED), [written(value, True)[0] for value in RandomSchemas.VALUES]
        taken = 0
        for _ in range(SCHEMAS):
            schema = schemas.schema()
            answer = self.ask(schema, 5, texts)
            if "error" in answer:
                continue
            taken += 1
            validator = jsonschema.Draft202012Validator(loads(dumps(schema)))
            for text in answer["samples"] + [text for text, fits in zip(texts, answer["fits"]) if fits]:
                try:
                    valid = validator.is_valid(loads(text))
                except RecursionError:  # a reference to itself, in an alternative that is out of the question
                    continue
                self.assertTrue(valid, f"{dumps(schema)} seed {SEED}: {text}")
                type(self).n_samples += 1
        self.assertGreater(taken, SCHEMAS // 3)

    def test_what_is_refused_is_named(self):
        for name, case in self.cases:
            if "refused" not in case:
                continue
            with self.subTest(name, schema=dumps(case["schema"])):
                answer = self.ask(case["schema"])
                self.assertIn("error", answer)
                self.assertIn(case["refused"], answer["error"])
                self.assertEqual(case["code"], answer["code"], answer["error"])
                self.assertLess(answer["ms"], 500)


if __name__ == "__main__":
    unittest.main()
