// Schemas as grammars: which texts they take, what is refused, hostile schemas. Many more schemas are in oracle_test.py.

#include "engine/schema/json_schema.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/grammar/matcher.h"

namespace foreword::engine {
namespace {

bool fits(const std::shared_ptr<const Grammar>& grammar, std::string_view text) {
  Matcher matcher(grammar);
  return matcher.may_end(matcher.next(matcher.start(), text));
}

struct Case {
  std::string_view schema;
  std::vector<std::string_view> in, out;
};

void expect(const Case& c) {
  const auto form = json_form(c.schema);
  ASSERT_TRUE(form) << c.schema << " " << (form ? "" : form.error().message);
  for (const std::string_view text : c.in) EXPECT_TRUE(fits(form->grammar, text)) << c.schema << " " << text;
  for (const std::string_view text : c.out) EXPECT_FALSE(fits(form->grammar, text)) << c.schema << " " << text;
}

TEST(JsonSchema, AnythingIsJson) {
  const auto object = any_json_object();
  for (const std::string_view text : {"{}", "{ }", "{\"a\":1}", "{\n  \"a\": [1, -2.5e+3, true],\n  \"b\": {}\n}", R"({"\u00e9\ud83d\ude00\n\/":"\\"})"}) EXPECT_TRUE(fits(object, text)) << text;
  for (const std::string_view text : {"[]", "1", "{", "{\"a\"}", "{\"a\":1,}", "{\"a\":01}", "{a:1}", " {}", "{} ", "{\"a\":\"\n\"}", R"({"a":"\ud83d"})", R"({"a":"\ude00\ud83d"})", R"({"a":"\x"})",
                                      "{\"a\":.5}", "{\"a\":1.}", "{\"a\":+1}", "{\"a\":nul}"}) {
    EXPECT_FALSE(fits(object, text)) << text;
  }
  expect({"true", {"1", "[[]]", "null", "\"\""}, {"", "nul"}});
}

TEST(JsonSchema, SpaceIsBounded) {
  const std::string_view schema = R"({"properties":{"a":{"type":"array","items":{"type":"integer"}}},"type":"object"})";
  expect({schema,
          {R"({"a":[1,2]})", R"({"a": [1, 2]})", "{\n  \"a\": [\n    1,\n    2\n  ]\n}", "{\n\t\"a\": []\n}"},
          {R"({"a":  [1]})", R"({"a" :[1]})", R"({"a":[1 ,2]})", "{\n\n\"a\":[]}", "{\r\n\"a\":[]}", "{\n                     \"a\":[]}"}});
}

TEST(JsonSchema, KeysHaveOneSpellingWhereItMatters) {
  expect({R"({"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"string"}})",
          {R"({"a":1})", R"({"b":"x"})", R"({"a":1,"aa":"x","\"":"y","\n":"z","\u0001":""})"},
          {R"({"\u0061":"x"})", R"({"b":1})", R"({"a":"x"})", R"({"\u0062":"x"})", R"({"\/":"x"})"}});
  expect({R"({"type":"string","not":{"const":"a/b"}})", {R"("a\\/b")", R"("ab")"}, {R"("a/b")", R"("a\/b")", R"("\u0061/b")"}});
}

TEST(JsonSchema, CountedStringsCountCharacters) {
  expect({R"({"type":"string","minLength":2,"maxLength":3})",
          {R"("ab")", R"("a\n\u00e9")", "\"\xF0\x9F\x98\x80\xF0\x9F\x98\x80\"", R"("\ud83d\ude00\ud83d\ude00\ud83d\ude00")"},
          {R"("a")", R"("abcd")", R"("\ud83d\ude00")", R"("\ud83d\ude00\ud83d")"}});
}

TEST(JsonSchema, NumbersAreExact) {
  expect({R"({"type":"number","minimum":0.1,"exclusiveMaximum":0.3})", {"0.1", "0.2", "0.29999", "0.10"}, {"0.0999999", "0.3", "0.30", "0", "1e-1", "-0.2", "00.2", "0.2."}});
  expect({R"({"type":"integer","maximum":18446744073709551615,"minimum":18446744073709551614})", {"18446744073709551615"}, {"18446744073709551613", "18446744073709551616"}});
  expect({R"({"type":"number"})", {"-0", "1E5", "0.5e-10"}, {"1e100", "01", "-"}});
  expect({R"({"const":0.1})", {"0.1"}, {"0.10", "0"}});
}

TEST(JsonSchema, MembersInOrderAndAllOfMerged) {
  expect({R"({"allOf":[{"properties":{"a":{"minimum":2}},"required":["a"]},{"properties":{"b":{},"a":{"maximum":3}}}],"properties":{"c":{"type":"null"}},"type":"object"})",
          {R"({"c":null,"a":2,"b":[]})", R"({"a":3})"},
          {R"({"a":1})", R"({"a":4})", R"({"b":1})", R"({"a":2,"c":null})", R"({"a":2,"d":1})"}});
}

TEST(JsonSchema, AlternativesThatOverlapAreTakenApart) {
  expect({R"({"oneOf":[{"type":"integer","minimum":0,"maximum":10},{"type":"integer","minimum":5}]})", {"0", "4", "11"}, {"5", "10", "-1"}});
  const auto refused = json_form(R"({"oneOf":[{"multipleOf":3},{"multipleOf":2}]})");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("\"oneOf\" at #"), std::string::npos) << refused.error().message;
  // An alternative without a word of b does not write it, so the one that requires b cannot hold as well.
  expect({R"({"oneOf":[{"properties":{"a":{}},"required":["a"]},{"properties":{"b":{}},"required":["b"]}],"type":"object"})", {R"({"a":1})", R"({"b":1})"}, {R"({"a":1,"b":1})", "{}"}});
}

TEST(JsonSchema, OppositesBringNamesThatOthersRequire) {
  expect({R"({"oneOf":[{"properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"b":{"type":"integer"}},"required":["b"]},{"properties":{"b":{"type":"string"}}}],"type":"object"})",
          {R"({"a":1,"b":null})"},
          {R"({"a":1,"b":2})", R"({"a":1,"b":"x"})", R"({"a":1})"}});
}

TEST(JsonSchema, WhatIsUnsureIsLeftOut) {
  // The first is a date, but not of those that are written, so it cannot be told that only one alternative holds.
  expect({R"({"enum":["0001-01-01","2024-01-01",5],"oneOf":[{"type":"string","format":"date"},{"type":"string"},{"type":"integer"}]})", {"5"}, {R"("0001-01-01")", R"("2024-01-01")"}});
}

TEST(JsonSchema, NoSpellingOfAnExcludedNumber) {
  expect({R"({"type":"number","minimum":0.1234567890123456,"not":{"enum":[5,0.25]}})", {"5.1", "4", "50", "0.255"}, {"5", "5.0", "5.000000000000000000", "0.25", "0.2500000000000000000"}});
}

TEST(JsonSchema, RecursionIsFollowed) {
  std::string deep = "null";
  for (int i = 0; i < 500; ++i) deep = "{\"next\":" + deep + "}";
  const auto form = json_form(R"({"anyOf":[{"type":"null"},{"type":"object","properties":{"next":{"$ref":"#"}},"required":["next"]}]})");
  ASSERT_TRUE(form);
  EXPECT_TRUE(fits(form->grammar, deep));
  EXPECT_FALSE(fits(form->grammar, deep + "}"));
}

TEST(JsonSchema, UnknownKeywordsAreNoted) {
  const auto form = json_form(R"({"type":"object","nullable":true,"x-tra":1,"properties":{"a":{"nullable":false,"maxlength":3}}})");
  ASSERT_TRUE(form);
  EXPECT_EQ(form->notes, (std::vector<std::string>{"\"nullable\" at # is no keyword of JSON Schema and changes nothing.", "\"maxlength\" at #/properties/a is no keyword of JSON Schema and changes nothing."}));
  EXPECT_TRUE(json_form(R"({"title":"t","$comment":"c","default":1})")->notes.empty());
}

TEST(JsonSchema, RefusalsTellThePlace) {
  const struct {
    std::string_view schema, named;
    ErrorCode code;
  } cases[] = {
      {R"({"properties":{"a":{"items":{"uniqueItems":true}}}})", "\"uniqueItems\" at #", ErrorCode::unsupported},
      {R"({"properties":{"a/b":{"type":"array","unevaluatedItems":false}}})", "\"unevaluatedItems\" at #/properties/a~1b", ErrorCode::unsupported},
      {R"({"items":{"not":{"items":{"type":"null"}}}})", "\"items\" at #/items/not", ErrorCode::unsupported},
      {R"({"not":{"patternProperties":{"a|b":{"type":"null"}}}})", "\"patternProperties\" at #/not", ErrorCode::unsupported},
      {R"({"properties":{"n":{"type":"integer","multipleOf":123456789}}})", "multipleOf of so many digits cannot be kept; use a rounder or a smaller one, or narrower bounds. That is at #/properties/n.", ErrorCode::unsupported},
      {R"({"$ref":"other.json"})", "other.json", ErrorCode::unsupported},
      {R"({"minimum":0.12345678901234567890123})", "more digits", ErrorCode::unsupported},
      {R"({"minimum":1e999})", "no JSON", ErrorCode::invalid_argument},
      {R"({"type":"string)", "no JSON", ErrorCode::invalid_argument},
      {"", "no JSON", ErrorCode::invalid_argument},
      {"null", "object, true or false", ErrorCode::invalid_argument},
      {"{\"a\":\"\xFF\"}", "no JSON", ErrorCode::invalid_argument},
      {R"({"not":{"required":"a"}})", "\"required\" at #/not", ErrorCode::invalid_argument},
      {R"({"properties":{"a":{"$ref":"#/properties/a"}}})", "#/properties/a refers to itself", ErrorCode::invalid_argument},
  };
  for (const auto& c : cases) {
    const auto form = json_form(c.schema);
    ASSERT_FALSE(form) << c.schema;
    EXPECT_EQ(form.error().code, c.code) << c.schema << " " << form.error().message;
    EXPECT_NE(form.error().message.find(c.named), std::string::npos) << form.error().message;
  }
}

TEST(JsonSchema, KeywordsOfOtherTypesChangeNothing) {
  expect({R"j({"type":"integer","uniqueItems":true,"minLength":5,"required":["a"],"unevaluatedProperties":false,"pattern":"(?=a)","format":"colour"})j", {"1"}, {"\"a\"", "[]"}});
}

std::string nested(std::string_view open, std::string_view middle, std::string_view close, int n) {
  std::string text;
  for (int i = 0; i < n; ++i) text += open;
  text += middle;
  for (int i = 0; i < n; ++i) text += close;
  return text;
}

/// All end with a sentence or a grammar, within a time that nobody minds.
TEST(JsonSchema, HostileSchemasEndSoon) {
  std::string chain = R"({"$defs":{)", many = R"({"type":"object","properties":{)", patterns = R"({"type":"object","patternProperties":{)", one_of = R"({"type":"object","oneOf":[)", names = R"({"enum":[)";
  std::string doubled = R"({"$defs":{)", choices = R"({"allOf":[)", negated = R"({"$defs":{)";
  for (int i = 0; i < 3000; ++i) {
    const std::string n = std::to_string(i), next = std::to_string(i + 1);
    chain += "\"a" + n + "\":{\"$ref\":\"#/$defs/a" + next + "\"},";
    many += "\"a" + n + "\":{\"type\":\"string\",\"minLength\":" + n + "},";
    names += "\"name " + n + "\",";
    if (i < 40) doubled += "\"a" + n + "\":{\"anyOf\":[{\"$ref\":\"#/$defs/a" + next + "\"},{\"$ref\":\"#/$defs/a" + next + "\",\"minLength\":" + n + "}]},";
    if (i < 40) negated += "\"a" + n + "\":{\"not\":{\"anyOf\":[{\"$ref\":\"#/$defs/a" + next + "\"},{\"$ref\":\"#/$defs/a" + next + "\"}]}},";
    if (i < 40) patterns += "\"^.*a.{" + n + "}\":{\"minimum\":" + n + "},";
    if (i < 300) one_of += R"({"properties":{"p)" + n + R"(":{"type":"integer"},"q":{"minimum":)" + n + "}}},";
    if (i < 60) choices += R"({"anyOf":[{"minimum":)" + n + R"(},{"maxLength":)" + n + R"(},{"required":["r)" + n + "\"]}]},";
  }
  const std::string schemas[] = {
      nested("[", "", "]", 100'000),
      nested(R"({"not":)", "{}", "}", 100'000),
      nested(R"({"not":)", R"({"type":"null"})", "}", 120),
      nested(R"({"items":)", "{}", "}", 120),
      nested(R"({"anyOf":[{"type":"null"},)", R"({"type":"string"})", "]}", 60),
      nested(R"({"if":)", R"({"type":"null"})", R"(,"then":{"minLength":1},"else":{"minimum":2}})", 60),
      chain + R"("a3000":{"type":"null"}},"$ref":"#/$defs/a0"})",
      doubled + R"("a40":{"type":"string"}},"$ref":"#/$defs/a0"})",
      negated + R"("a40":{"type":"string"}},"$ref":"#/$defs/a0"})",
      many + R"("z":true}})",
      many + R"("z":true},"minProperties":1500,"maxProperties":2000})",
      patterns + R"("z":true}})",
      one_of + R"({"properties":{"z":true}}]})",
      choices + "true]}",
      names + "0]}",
      names + R"(0],"oneOf":[{"type":"string"},{"type":"integer"}]})",
      R"({"type":"string","pattern":"^(a|b|ab)*(x{1000}y{1000}){900}$"})",
      R"({"type":"string","pattern":"^.*a.{60}$","maxLength":5000})",
      R"({"type":"string","pattern":"(.*a){12}","allOf":[{"pattern":"(.*b){12}"},{"pattern":"(.*c){12}"},{"pattern":"(.*d){12}"}]})",
      R"({"type":"array","minItems":16000000,"items":{"minLength":16000000,"type":"string"}})",
      R"({"type":"integer","multipleOf":997,"allOf":[{"multipleOf":991},{"multipleOf":983}]})",
      R"({"type":"number","minimum":1e-300,"maximum":1e300})",
      R"({"type":"object","additionalProperties":{"$ref":"#"},"properties":{"a":{"$ref":"#/additionalProperties"}},"oneOf":[{"required":["a"]},{"required":["b"]},{"required":["c"]}]})",
      "{\"enum\":[" + nested("[", "", "]", 120) + "]}",
  };
  for (const std::string& schema : schemas) {
    const auto form = json_form(schema);
    EXPECT_TRUE(form || !form.error().message.empty());
  }
}

}  // namespace
}  // namespace foreword::engine
