#!/usr/bin/python3
"""Writes pretokenizer.json: how the published expressions cut awkward texts, as the `regex` module sees it.

    make_pretokenizer.py [number of random texts] > pretokenizer.json

Needs Python's `regex` module, an engine that has nothing to do with ours. Code points whose general category is not
the same in that module's Unicode version and in Python's own (14.0 in 3.11, which is also utf8proc 2.8's) are left
out: the cut would depend on the version, not on the rule.
"""

import json
import random
import sys
import unicodedata

import regex

SEED = 20261124

CASED_LIST = """
    A-Z a-z B5 C0-D6 D8-F6 F8-1BA 1BC-1BF 1C4-293 295-2AF 370-373 376 377 37B-37D 37F 386 388-38A 38C 38E-3A1
    3A3-3F5 3F7-481 48A-52F 531-556 10A0-10C5 13A0-13F5 13F8-13FD 1C90-1CBA 1CBD-1CBF 1D00-1D2B 1D6B-1D77
    1D79-1D9A 1E00-1F15 1F18-1F1D 1F20-1F45 1F48-1F4D 1F50-1F57 1F59 1F5B 1F5D 1F5F-1F7D 1F80-1FB4 1FB6-1FBC 1FBE
    1FC2-1FC4 1FC6-1FCC 1FD0-1FD3 1FD6-1FDB 1FE0-1FEC 1FF2-1FF4 1FF6-1FFC 2102 2107 210A-2113 2115 2119-211D 2124
    2126 2128 212A-212D 212F-2134 2139 213C-213F 2145-2149 214E 2183 2184 2C00-2C7B 2C7E-2CE4 2CEB-2CEE 2CF2 2CF3
    A640-A66D A680-A69B A722-A76F A771-A787 A78B-A78E AB70-ABBF FB00-FB06 FB13-FB17 FF21-FF3A FF41-FF5A
    10400-1044F 104B0-104D3 104D8-104FB 10C80-10CB2 10CC0-10CF2 118A0-118DF 1E900-1E943
"""


def cased():
    parts = []
    for item in CASED_LIST.split():
        if item in ("A-Z", "a-z"):
            parts.append(item)
        else:
            parts.append("-".join("\\U%08X" % int(end, 16) for end in item.split("-")))
    return "".join(parts)


CON = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
UP = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
LO = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"
CJK = r"[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+"
END = r"|\s*[\r\n]+|\s+(?!\S)|\s+"

RULES = {
    "G": [GPT2 + r"|\s+"],
    "L3": [CON + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*" + END],
    "Q2": [CON + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*" + END],
    "TK": [rf"[^\r\n\p{{L}}\p{{N}}]?{UP}*{LO}+|[^\r\n\p{{L}}\p{{N}}]?{UP}+{LO}*|\p{{N}}"
           r"| ?[^\s\p{L}\p{N}]+[\r\n/]*" + END],
    "O2": [rf"[^\r\n\p{{L}}\p{{N}}]?{UP}*{LO}+{CON}?|[^\r\n\p{{L}}\p{{N}}]?{UP}+{LO}*{CON}?|\p{{N}}{{1,3}}"
           r"| ?[^\s\p{L}\p{N}]+[\r\n/]*" + END],
    "D3": [r"\p{N}{1,3}", r"[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+",
           r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
           r"| ?[\p{P}\p{S}]+[\r\n]*" + END],
    "DC": [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", CJK, r"\p{N}"],
    "DL": [r"[\r\n]", rf"\s?[{cased()}]+",
           r"\s?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+", r"\s+$", CJK, r"\p{N}+"],
    "FA": [r"[\p{P}\$\+<=>\^~\|`]+", GPT2, r"[0-9][0-9][0-9]"],
    "SC": [r"\p{N}", GPT2],
    "SE": [CON + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+" + END],
    "M5": [r"\p{N}{1,3}", CON + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*" + END],
    "VI": [r" ?[^(\s|.,!?\u2026\u3002\uFF0C\u3001\u0964\u06D4\u060C)]+", r"\p{N}"],
    "DF": [r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", r"[0-9][0-9][0-9]"],
}


def compile_expression(text):
    # \s and \S as the property they stand for; $ without its second meaning (before a final newline).
    text = text.replace(r"\s", r"\p{White_Space}").replace(r"\S", r"\P{White_Space}")
    if text.endswith("+$"):
        text = text[:-1] + r"\Z"
    return regex.compile(text)


def cut(expressions, text):
    pieces = [text]
    for expression in expressions:
        after = []
        for piece in pieces:
            done = 0
            for match in expression.finditer(piece):
                if match.end() == match.start():
                    continue
                after += [piece[done:match.start()], match.group()]
                done = match.end()
            after.append(piece[done:])
        pieces = [piece for piece in after if piece]
    return [len(piece) for piece in pieces]


def stable_code_points():
    """Assigned code points by category, as far as both Unicode versions agree."""
    named = {}
    for category in sorted({unicodedata.category(chr(c)) for c in range(0x110000)} - {"Cn", "Cs", "Co"}):
        pattern = regex.compile(r"\p{%s}" % category)
        named[category] = [chr(c) for c in range(0x110000)
                           if unicodedata.category(chr(c)) == category and pattern.match(chr(c))]
    return named


WORDS = """
    the Hello WORLD camelCase HTTPServer XMLHttpRequest iPhone McDonald éÉ Été ÀÉÎ straße STRASSE ǅungla ʰaʰ ºª
    İstanbul ЁЖик МОСКВА Привет ἈΘῆναι Ωμέγα عربي עברית हिन्दी ไทย 中文 漢字かな カタカナ 한국어 Ꭰꭰ Აა ꙀꙁꙂ 𐐀𐐨 𝔘𝔫𝔦 Ａｂ
    e\u0301 E\u0301 A\u0308b \u0301 ـ ʼn 々 ー ㄅ""".split()
NUMBERS = "1 12 123 1234 12345 1234567 ١٢٣ १२३४ Ⅷ ½ ²³ 一二三 ０１２３ 3.14 1,000,000 𝟙𝟚 ①".split()
CONTRACTIONS = "'s 'S 't 'T 're 'RE 'rE 've 'VE 'm 'M 'll 'LL 'd 'D 'sa 'x ’s ' '' 'ſ 'K".split()
SPACES = [" ", " ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", "\r", " \n", "\n ", "\t\t", "\u00a0", "\u3000", "\u2028",
          "\x85", "\x0b", "\x1c", "\u200b", "\u1680 ", "  \n  \n  "]
MARKS = list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
MARKS += ["...", "//", "/\n", "/\r\n/", "。", "、", "！", "？", "«", "»", "—", "–", "‘", "’", "“", "”", "€", "£", "+=", "→",
          "∑", "`", "``", "^^", "🙂", "👩\u200d🔬", "🇩🇪", "\ufe0f", "\u200d", "\x00", "\x7f", "\ufffd", "･", "～", "¿", "§"]


def random_text(rng, by_category):
    text = ""
    for _ in range(rng.randint(1, 14)):
        kind = rng.random()
        if kind < 0.28:
            text += rng.choice(WORDS)
        elif kind < 0.38:
            text += rng.choice(NUMBERS)
        elif kind < 0.48:
            text += rng.choice(CONTRACTIONS)
        elif kind < 0.68:
            text += rng.choice(SPACES)
        elif kind < 0.82:
            text += rng.choice(MARKS)
        else:
            for _ in range(rng.randint(1, 4)):
                text += rng.choice(by_category[rng.choice(list(by_category))])
    return text


def main():
    rng = random.Random(SEED)
    by_category = stable_code_points()
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 120
    texts = [random_text(rng, by_category) for _ in range(count)]
    texts += ["", " ", "   a", "a   ", "a   b\n   ", "\n\n  \n x", "I'LL'vE'S 'RE", "AÉa'sB", "\u0301\u0301a\u0301B",
              "1234567890abc",
              "x" * 40 + " " * 40 + "\n" + "1" * 40, "'s's's", "HELLOWorld'sHELLO's",
              "a/b//c/\n/d", "\t\tx \ty", "。。 。\n", "$$$ ab $a `b` ^c"]
    rules = {name: [compile_expression(one) for one in expressions] for name, expressions in RULES.items()}
    cuts = {name: [cut(rule, text) for text in texts] for name, rule in rules.items()}
    lines = ['{"seed": %d,' % SEED, '"texts": [', ",\n".join(json.dumps(text) for text in texts), '],', '"cuts": {']
    tables = ['"%s": %s' % (name, json.dumps(rows, separators=(",", ":"))) for name, rows in cuts.items()]
    lines.append(",\n".join(tables))
    print("\n".join(lines + ["}}"]))


if __name__ == "__main__":
    main()
