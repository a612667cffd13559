"""Small templates for the differential test, by theme. A line is one case, and each of its expressions another."""

BLOCKS = r"""
# literals
{{ 1 }} {{ -1 }} {{ +1 }} {{ 1_000 }} {{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 0 }}
{{ 1.0 }} {{ 1.5e3 }} {{ 1e16 }} {{ 1e15 }} {{ 1.0e-5 }} {{ 0.0001 }} {{ 1e300 }} {{ 123456789.125 }} {{ 1e22 }} {{ -0.0 }}
{{ 0.1 + 0.2 }} {{ 1/3 }} {{ 2/3 }} {{ 100/3 }} {{ 5e-324 }} {{ 1.7976931348623157e308 }}
{{ true }} {{ false }} {{ none }} {{ True }} {{ False }} {{ None }}
{{ 'a' 'b' "c" }} {{ 'it\'s' }} {{ "q\"q" }} {{ 'n\nt\tx' }} {{ '\x41\u00e9\U0001F600\101\\' }} {{ '\q' }}
{{ [] }} {{ [1, 'a', none, true, 1.5, [2]] }} {{ () }} {{ (1,) }} {{ (1, 'x') }} {{ {} }} {{ {'a': 1, 2: 'b', none: (1,)} }}
{{ ['it\'s', 'q"q', 'b\'"', 'n\n\t\r', 'é😀', '\x01\x7f', '\u200b', '\\'] }}
{{ [1,2,] }} {{ {'a':1,} }} {{ (1,2,) }}
{{ 1, 2 }} {{ 'a', }}
{{ {1: 'a', 1.0: 'b', true: 'c'} }} {{ {'a': 1, 'a': 2} }}
{{ "é" }} {{ 'ü' ~ "漢" }}
# arithmetic
{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 // -2 }} {{ -7 // -2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ -7 % -3 }}
{{ 7.5 // 2 }} {{ -7.5 // 2 }} {{ 7.5 % 2 }} {{ -7.5 % 2 }} {{ 7 / 2 }} {{ 6 / 2 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ 2 ** 0.5 }}
{{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ (-2) ** 2 }} {{ 2 + 3 * 4 }} {{ (2 + 3) * 4 }} {{ 10 - 2 - 3 }} {{ 2 * 3 % 4 }}
{{ true + 1 }} {{ true * 3 }} {{ false + 0.5 }} {{ - true }} {{ 1 + 1.0 }} {{ 3 * 1.0 }}
{{ 1 / 0 }}
{{ 1 // 0 }}
{{ 1 % 0 }}
{{ 1 + 'a' }}
{{ 'a' + 1 }}
{{ 'a' + none }}
{{ [] + () }}
{{ 'ab' * 3 }} {{ 2 * 'x' }} {{ 'x' * 0 }} {{ 'x' * -1 }} {{ [1] * 2 }} {{ (1, 2) * 2 }} {{ 'x' * true }}
{{ [1] + [2] }} {{ (1,) + (2,) }} {{ 'a' + 'b' ~ 1 + 2 }} {{ 1 ~ 2 }} {{ 'a' ~ none ~ true ~ 1.0 ~ [1] }} {{ 'a' ~ missing ~ 'b' }}
{{ 1 + 2 ~ 3 + 4 }} {{ 2 * 3 ~ 4 * 5 }}
{{ 9223372036854775807 }} {{ -9223372036854775807 - 1 }}
{{ missing + 1 }}
{{ -missing }}
{{ -'a' }}
# comparison and logic
{{ 1 < 2 }} {{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 3 > 2 >= 2 }} {{ 1 == 1.0 }} {{ true == 1 }} {{ 'a' < 'b' }} {{ 'a' < 'B' }} {{ 'é' > 'z' }}
{{ [1, 2] < [1, 3] }} {{ [1] < [1, 0] }} {{ (1, 2) == (1, 2) }} {{ [1] == (1,) }} {{ {'a': 1} == {'a': 1.0} }} {{ {'a': 1, 'b': 2} == {'b': 2, 'a': 1} }}
{{ none == none }} {{ none == false }} {{ '' == none }} {{ missing == missing2 }} {{ missing == none }} {{ missing != none }} {{ 1 != 2 != 1 }}
{{ 1 == 2 == false }} {{ 1 in [1] == true }} {{ 'a' in 'abc' in ['abc'] }}
{{ 1 < 'a' }}
{{ none < 1 }}
{{ missing < 1 }}
{{ 1 and 2 }} {{ 0 and 2 }} {{ 0 or 'x' }} {{ '' or none }} {{ [] or {} or () or 'last' }} {{ not 1 }} {{ not '' }} {{ not not 2 }} {{ not 1 == 2 }}
{{ 1 in [1, 2] }} {{ 3 not in [1, 2] }} {{ 'b' in 'abc' }} {{ 'bc' not in 'abc' }} {{ 'a' in {'a': 1} }} {{ 1 in {'a': 1}.values() }} {{ '' in 'abc' }} {{ 1.0 in [1] }} {{ 'x' in missing }} {{ missing in [1] }} {{ not 'a' in 'b' }}
{{ 1 in 'abc' }}
{{ 1 in 5 }}
{{ 1 if true else 2 }} {{ 1 if false else 2 }} [{{ 1 if false }}] {{ 1 if false else 2 if false else 3 }} {{ (1 if true) + 1 }} {{ 'a' if 0 or 1 else 'b' }} {{ 'x' if missing is defined else 'y' }} {{ 'a' if true else 'b' ~ 'c' }}
{{ 'yes' if 'a' is string and 1 is number else 'no' }} {{ ('a' if x else 'b') + 'c' }}
{{ true and false or true }} {{ true or false and false }} {{ not true or true }} {{ not (true or true) }}
# lookup
{{ messages[0].role }} {{ messages[0]['role'] }} {{ messages[-1].content }} {{ messages.0.role }} [{{ messages[99] }}] [{{ messages[0].nope }}] [{{ messages[0]['nope'] }}]
{{ messages[0].nope.deeper }}
{{ messages[99].role }}
{{ messages[99]['role'] }}
{{ missing.attribute }}
{{ missing['item'] }}
{{ missing[0] }}
{{ missing() }}
{{ 'abc'[0] }} {{ 'abc'[-1] }} [{{ 'abc'[5] }}] {{ 'é漢😀'[1] }} {{ 'é漢😀'[-1] }} {{ (1, 2)[1] }} {{ [1, [2, 3]][1][0] }} {{ {'a': {'b': 5}}.a.b }} {{ {'a': {'b': 5}}['a']['b'] }} {{ {1: 'x'}[1] }} {{ {none: 'x'}[none] }}
{{ 'abcdef'[1:3] }} {{ 'abcdef'[:2] }} {{ 'abcdef'[4:] }} {{ 'abcdef'[:-1] }} {{ 'abcdef'[-3:] }} {{ 'abcdef'[::2] }} {{ 'abcdef'[::-1] }} {{ 'abcdef'[4:1:-1] }} {{ 'abcdef'[10:] }} {{ 'abcdef'[-10:2] }} {{ 'abcdef'[:] }} {{ 'abcdef'[1::2] }} {{ 'é漢😀x'[1:3] }} {{ 'abcdef'[::-2] }} {{ 'abcdef'[-2::-1] }}
{{ [1, 2, 3, 4][1:3] }} {{ [1, 2, 3, 4][::-1] }} {{ [1, 2, 3, 4][-2:] }} {{ [1, 2, 3][5:] }} {{ (1, 2, 3)[:2] }} {{ [1, 2, 3][none:2] }} {{ [1,2,3][:none] }} {{ [1,2,3][::none] }} {{ [1, 2, 3][true:] }} {{ range(5)[1:3] | list }}
{{ [1, 2, 3][::0] }}
{{ messages[1:] | length }} {{ messages[::2] | map(attribute='role') | join(',') }} {{ messages[::-1][0].content }} {{ messages[1:][:-1] | length }}
{{ {'items': 1}.items is callable }} {{ {'items': 1}['items'] }} {{ {'a': 1}.get('a') }} {{ {'a': 1}.get('b') }} {{ {'a': 1}.get('b', 2) }} {{ {'get': 3}['get'] }}
{{ {'a': 1, 'b': 2}.keys() | list }} {{ {'a': 1, 'b': 2}.values() | list }} {{ {'a': 1, 'b': 2}.items() | list }} {{ {'a': 1}.items() | length }} {{ 'a' in {'a': 1}.keys() }}
[{{ none.x }}] [{{ 5.x }}]
[{{ none.x }}] [{{ (5).x }}] [{{ 'abc'.nope }}] [{{ [].nope }}] [{{ none['x'] }}] [{{ [1]['a'] }}] [{{ 'abc'[1.5] }}] [{{ {'a': 1}[[]] }}]
{{ messages['role'] }}|{{ messages[0][0] }}
{{ (messages | first).role }} {{ (messages | last)['role'] }}
# string methods
{{ 'Title Case'.istitle() }} {{ 'Title case'.istitle() }} {{ 'A1b'.istitle() }} {{ 'A1B'.istitle() }} {{ ''.istitle() }} {{ '1'.istitle() }} {{ "It's".istitle() }} {{ 'Über Ähre'.istitle() }}
{{ 'Straße ÀÉ ΣΑΣ'.casefold() }} {{ 'HeLLo'.casefold() == 'hello' }} {{ 'ŉİ'.casefold() }} {{ ''.casefold() }}
{{ 'a\tb'.expandtabs() }}| {{ 'a\tb\n\tc'.expandtabs(4) }}| {{ '\t'.expandtabs(0) }}| {{ 'äö\tx'.expandtabs(tabsize=3) }}| {{ 'abcd\te'.expandtabs(4) }}| {{ 'a\t'.expandtabs(-1) }}|
[{{ '  a b  '.strip() }}] [{{ '  a '.lstrip() }}] [{{ ' a  '.rstrip() }}] [{{ 'xxaxx'.strip('x') }}] [{{ 'abcba'.lstrip('ab') }}] [{{ '\n\nx\n'.strip('\n') }}] [{{ '\u00a0x\u3000'.strip() }}] [{{ 'éaé'.strip('é') }}] [{{ 'abc'.strip('') }}] [{{ ' x '.strip(none) }}]
{{ 'a b  c'.split() }} {{ 'a,b,,c'.split(',') }} {{ 'a,b,c'.split(',', 1) }} {{ ''.split() }} {{ ''.split(',') }} {{ 'abc'.split('x') }} {{ ' a  b '.split(none, 1) }} {{ 'a--b--c'.split('--') }} {{ 'aaa'.split('aa') }} {{ 'a b'.split(maxsplit=0) }} {{ 'a,b'.split(sep=',') }}
{{ 'a,b,c'.rsplit(',', 1) }} {{ 'aaa'.rsplit('aa', 1) }} {{ ' a b  c '.rsplit(none, 1) }} {{ 'a b c'.rsplit() }} {{ 'a\nb\r\nc\n\nd'.splitlines() }} {{ 'a\nb\n'.splitlines(true) }} {{ ''.splitlines() }} {{ 'a\u2028b'.splitlines() }}
{{ 'a'.split('') }}
{{ 'abc'.startswith('ab') }} {{ 'abc'.startswith('b', 1) }} {{ 'abc'.endswith('bc') }} {{ 'abc'.startswith(('x', 'a')) }} {{ 'abc'.endswith(('x', 'y')) }} {{ 'abc'.startswith('') }} {{ ''.endswith('a') }}
{{ 'aXbX'.replace('X', '--') }} {{ 'aaa'.replace('a', 'b', 2) }} {{ 'abc'.replace('', '-') }} {{ 'é'.replace('', '-') }} {{ 'abc'.replace('abc', '') }} {{ 'aaa'.replace('aa', 'b') }} {{ 'a'.replace('b', 'c') }} {{ 'ab'.replace('', '-', 2) }}
{{ 'abC'.upper() }} {{ 'ABc'.lower() }} {{ 'hello wORLD it\'s'.title() }} {{ 'hELLO wORLD'.capitalize() }} {{ 'aBc'.swapcase() }} {{ 'straße'.upper() }} {{ 'ÉÀ'.lower() }} {{ 'éa'.capitalize() }} {{ ''.capitalize() }} {{ 'ñandú ångström'.title() }}
{{ 'abcabc'.find('c') }} {{ 'abcabc'.find('x') }} {{ 'abcabc'.rfind('c') }} {{ 'abcabc'.find('c', 3) }} {{ 'é漢c'.find('c') }} {{ 'abc'.index('b') }} {{ 'abcabc'.count('bc') }} {{ 'aaa'.count('aa') }} {{ 'abc'.count('') }} {{ 'abcabc'.find('a', -3) }} {{ 'abc'.find('') }} {{ 'abcabc'.rfind('a', 0, 3) }}
{{ 'abc'.index('x') }}
{{ ','.join(['a', 'b']) }} {{ ''.join('abc') }} {{ '-'.join({'a': 1, 'b': 2}) }} {{ ', '.join(messages | map(attribute='role')) }}
{{ ','.join([1, 2]) }}
{{ '12'.isdigit() }} {{ '1a'.isdigit() }} {{ ''.isdigit() }} {{ 'ab'.isalpha() }} {{ 'a1'.isalnum() }} {{ ' \n'.isspace() }} {{ 'AB'.isupper() }} {{ 'Ab'.islower() }} {{ 'ab1'.islower() }} {{ '1'.isupper() }} {{ 'é'.isalpha() }}
{{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }} {{ 'abc'.removeprefix('x') }} [{{ 'a'.ljust(3) }}] [{{ 'a'.rjust(3, '*') }}] [{{ 'a'.center(4) }}] [{{ 'ab'.center(5) }}] [{{ 'abc'.center(2) }}] {{ '7'.zfill(3) }} {{ '-7'.zfill(4) }}
{{ 'a=b=c'.partition('=') }} {{ 'a=b=c'.rpartition('=') }} {{ 'abc'.partition('=') }} {{ 'abc'.rpartition('=') }}
{{ '{} and {}'.format(1, 'b') }} {{ '{1}{0}'.format('a', 'b') }} {{ '{x}'.format(x=5) }} {{ '{{}}'.format() }}
{{ 'abc'.nope() }}
{{ ' Hello '.strip().upper().replace('L', 'l') }} {{ '<think>a</think>b'.split('</think>')[-1].lstrip('\n') }} {{ '<think>\nx\n</think>'.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') }}
# percent
{{ '%c' % 'x' }} {{ '%c' % 65 }} {{ '%3c|%-3c|' % ('é', 66) }} {{ '%c' % true }}|
{{ '%c' % 'ab' }}
{{ '%c' % 1.5 }}
{{ '%c' % -1 }}
{{ '%s and %s' % ('a', 1) }} {{ '%d%%' % 5 }} {{ '%05d|%-5d|%+d' % (42, 42, 42) }} {{ '%.2f' % 3.14159 }} {{ '%x %X %o' % (255, 255, 8) }} {{ '%5s|%-5s|' % ('a', 'b') }} {{ '%(a)s' % {'a': 1} }} {{ '%r' % 'a' }} {{ '%s' % none }} {{ '%.1s' % 'éa' }} {{ '%e' % 12345.678 }} {{ '%g' % 0.0001 }} {{ '%s' % [1, 2] }} {{ '%i' % 3.9 }} {{ '% d' % 5 }} {{ '%08.3f' % 3.14159 }} {{ '%#x' % 255 }}
{{ '%s %s' % 'a' }}
{{ '%d' % 'a' }}
{{ 'a' % 'b' }}
{{ '%s-%s' | format('a', 'b') }} {{ '%(x)s' | format(x=3) }} {{ 'plain' | format }}
# filters on text
{{ 'a b/c?d=é&~._-' | urlencode }} {{ 'x' | urlencode }} {{ '' | urlencode }} {{ 12 | urlencode }} {{ none | urlencode }} {{ true | urlencode }}
{{ {'a b': 'c/d', 'e': 1} | urlencode }} {{ [('a', 'b c'), ('d', none)] | urlencode }} {{ [] | urlencode }} {{ {} | urlencode }}
{{ [1] | urlencode }}
{{ [(1, 2, 3)] | urlencode }}
[{{ '  a '|trim }}] [{{ 'xax'|trim('x') }}] [{{ missing|trim }}] [{{ 5|trim }}] [{{ '\n a \n'|trim }}]
{{ 'abc'|upper }} {{ 'ABC'|lower }} {{ 'hello wORLD-foo (bar) it\'s'|title }} {{ 'hELLO'|capitalize }} {{ 5|upper }} {{ none|lower }} {{ [1]|upper }}
{{ 'aXb'|replace('X', 'y') }} {{ 'aaa'|replace('a', 'b', 1) }} {{ 12|replace(1, 'x') }} {{ 'a\nb'|replace('\n', ' ') }}
{{ 5|string }} {{ none|string }} {{ [1, 'a']|string }} {{ true|string ~ 'x' }} {{ 1.0|string }} {{ 'a'|string|length }} {{ 'x'|safe }} {{ {'a': 'b'}|string }}
{{ 'a\nb\n\nc'|indent }}| {{ 'a\nb'|indent(2) }} {{ 'a\nb'|indent(2, true) }} {{ 'a\n\nb'|indent(2, blank=true) }} {{ 'a\nb'|indent('> ') }} {{ 'a\n'|indent }}| {{ ''|indent }}| {{ 'a\nb'|indent(width=3, first=True) }}
{{ ['a', 'b']|join }} {{ [1, none, true]|join(', ') }} {{ 'abc'|join('-') }} {{ messages|join('|', attribute='role') }} {{ []|join(',') }} {{ missing|join(',') }} {{ {'a': 1}|join }} {{ [[1], 'x']|join(' ') }} {{ range(3)|join(',') }}
{{ '<a href="x">\'&'|escape }} {{ '<'|e }} {{ 5|e }}
[{{ 'abc'.center(-9223372036854775807 - 1) }}] [{{ 'abc'.ljust(-9223372036854775807 - 1) }}] [{{ 'abc'.rjust(-9223372036854775807 - 1) }}] [{{ 'abc'.zfill(-9223372036854775807 - 1) }}] [{{ 'abc'|center(-9223372036854775807 - 1) }}]
[{{ 'ab'|center(6) }}] {{ 'one two, three_4'|wordcount }} {{ 'foo bar baz qux'|truncate(9) }} {{ 'foo bar baz qux'|truncate(9, true) }} {{ 'foo bar baz qux'|truncate(11) }} {{ 'foo bar baz qux'|truncate(11, false, '...', 0) }} {{ 'short'|truncate }}
# filters on lists
{{ [1, 2, 3, 4, 5] | slice(2) | list }} {{ [1, 2, 3, 4, 5] | slice(3) | list }} {{ [1, 2, 3, 4, 5] | slice(3, 'x') | list }} {{ [1] | slice(3) | list }} {{ [] | slice(2, 0) | list }} {{ 'abc' | slice(2) | list }} {{ [1, 2] | slice(-1) | list }} {{ [1, 2, 3, 4] | slice(2, 'x') | list }} {{ [1, 2, 3] | slice(slices=2, fill_with=0) | map('length') | list }}
{{ [1] | slice(0) | list }}
{{ [1, 2, 3]|length }} {{ 'é漢'|length }} {{ {'a': 1}|count }} {{ ''|length }} {{ missing|length }} {{ (1, 2)|length }} {{ range(4)|length }}
{{ 5|length }}
{{ none|length }}
{{ [1, 2]|first }} {{ [1, 2]|last }} {{ 'abc'|first }} {{ 'abc'|last }} [{{ []|first }}] [{{ []|last }}] {{ {'a': 1, 'b': 2}|first }} {{ {'a': 1, 'b': 2}|last }} {{ range(3)|last }} [{{ missing|first }}] [{{ ''|first }}]
{{ [1, 2, 3]|reverse|list }} {{ 'abc'|reverse }} {{ {'a': 1, 'b': 2}|reverse|list }} {{ (1, 2)|reverse|list }} {{ range(3)|reverse|list }}
{{ [3, 1, 2]|sort }} {{ ['b', 'A', 'c']|sort }} {{ ['b', 'A', 'c']|sort(case_sensitive=true) }} {{ [3, 1, 2]|sort(reverse=true) }} {{ [3, 1, 2]|sort(true) }} {{ 'cab'|sort }} {{ {'b': 1, 'a': 2}|sort }} {{ [(2, 'a'), (1, 'b')]|sort }}
{{ [{'a': 2, 'b': 1}, {'a': 1, 'b': 2}]|sort(attribute='a') }} {{ [{'a': 2, 'b': 1}, {'a': 2, 'b': 0}, {'a': 1, 'b': 5}]|sort(attribute='a,b')|map(attribute='b')|list }} {{ [['x', 2], ['y', 1]]|sort(attribute=1) }} {{ [{'k': 'a', 'n': 1}, {'k': 'A', 'n': 2}, {'k': 'a', 'n': 3}]|sort(attribute='k', reverse=true)|map(attribute='n')|list }}
{{ [1, 'a']|sort }}
{{ [1, 2, 1, 'a', 'A', 1.0]|unique|list }} {{ ['a', 'A']|unique(true)|list }} {{ messages|unique(attribute='role')|map(attribute='content')|list }}
{{ [3, 1, 2]|min }} {{ [3, 1, 2]|max }} [{{ []|max }}] {{ ['b', 'A']|min }} {{ [{'a': 5}, {'a': 3}]|min(attribute='a') }} {{ [1, 2, 3]|sum }} {{ [{'a': 5}, {'a': 3}]|sum(attribute='a') }} {{ [1]|sum(start=10) }} {{ [0.5, 1]|sum }}
{{ [1, 2, 3]|map('string')|list }} {{ ['a', 'b']|map('upper')|join }} {{ messages|map(attribute='role')|list }} {{ [{'a': 1}, {}]|map(attribute='a', default='x')|list }} {{ [{'a': {'b': 1}}]|map(attribute='a.b')|list }} {{ ['ab', 'cb']|map('replace', 'b', 'x')|list }} {{ [[1, 2], [3, 4]]|map('first')|list }} {{ [[1, 2]]|map(attribute=1)|list }} {{ ['1', 'x']|map('int', default=7)|list }}
{{ [1]|map('nope')|list }}
{{ none|map('upper')|list }} {{ missing|map(attribute='a')|list }} {{ 0|select|list }} {{ none|reject('odd')|list }} {{ false|selectattr('a')|list }} {{ ''|rejectattr('a', 'defined')|list }} {{ none|map|list }} {{ none|selectattr|list }}
{{ 1|map('upper')|list }}
{{ [0, 1, 2, none, '']|select|list }} {{ [0, 1, 2]|reject|list }} {{ [1, 2, 3]|select('odd')|list }} {{ [1, 2, 3]|reject('odd')|list }} {{ [1, 2, 3]|select('gt', 1)|list }} {{ ['a', 'b']|reject('equalto', 'a')|list }} {{ ['a', 1, none]|select('string')|list }} {{ [1, 2, 3]|select('in', [2, 3])|list }} {{ [1, 2]|select('==', 2)|list }} {{ [1, missing]|select('defined')|list }}
{{ messages|selectattr('role', 'equalto', 'user')|list|length }} {{ messages|selectattr('role', 'eq', 'user')|map(attribute='content')|join(',') }} {{ messages|rejectattr('role', 'equalto', 'user')|map(attribute='role')|list }} {{ messages|selectattr('role', 'in', ['user', 'system'])|list|length }} {{ [{'a': 1}, {'b': 1}]|selectattr('a')|list }} {{ [{'a': 1}, {'b': 1}]|selectattr('a', 'defined')|list }} {{ [{'a': 1}, {'b': 1}]|rejectattr('a')|list }} {{ messages|selectattr('role', '==', 'tool')|list }}
{{ (messages|selectattr('role', 'equalto', 'system')|list)[0].content|trim }} {{ 'some' if messages|selectattr('role', 'equalto', 'tool') else 'none' }} {{ 'some' if messages|selectattr('role', 'equalto', 'tool')|list else 'none' }} {{ messages|selectattr('role', 'equalto', 'user')|first|attr('nope') is undefined }} {{ (messages|selectattr('role', 'equalto', 'user')|first).content }}
{{ messages|selectattr('role')|length }}
{{ messages|selectattr('role', 'nope')|list }}
{% set g = [1, 2, 3]|select %}{{ g|list }}{{ g|list }}
{% set g = [1, 2, 3]|map('string') %}{{ g|first }}{{ g|list }}
{{ {'a': 1, 'b': 2}|items|list }} {{ missing|items|list }} {{ {'b': 1, 'a': 2}|dictsort }} {{ {'b': 1, 'a': 2}|dictsort(by='value') }} {{ {'b': 1, 'A': 2}|dictsort(true) }} {{ {'b': 1, 'a': 2}|dictsort(reverse=true) }}
{{ [1]|items|list }}
{{ 'abc'|list }} {{ {'a': 1}|list }} {{ (1, 2)|list }} {{ range(2, 8, 3)|list }} {{ range(3, 0, -1)|list }} {{ range(0)|list }} {{ missing|list }}
{{ 5|list }}
{% for k, v in [{'t': 'a', 'n': 1}, {'t': 'b', 'n': 2}, {'t': 'a', 'n': 3}]|groupby('t') %}{{ k }}:{{ v|map(attribute='n')|join('+') }} {% endfor %}
{% for g in [{'t': 'a', 'n': 1}, {'t': 'B'}]|groupby('t') %}{{ g.grouper }}={{ g.list|length }} {% endfor %}{{ [{'t': 1}]|groupby('t') }}
{{ [1, 2, 3, 4, 5]|batch(2)|list }} {{ [1, 2, 3]|batch(2, 'x')|list }}
# filters on values
{{ missing|default('d') }} {{ none|default('d') }} {{ none|default('d', true) }} {{ ''|default('d', boolean=true) }} {{ 0|d(5) }} [{{ missing|default }}] {{ 'x'|default('d', true) }} {{ missing|default(none) }} {{ missing.x|default('d') if missing is defined else 'e' }} {{ messages[0].nope|default('d') }}
{{ '42'|int }} {{ '42.9'|int }} {{ 'x'|int }} {{ 'x'|int(7) }} {{ 3.9|int }} {{ -3.9|int }} {{ true|int }} {{ none|int }} {{ '0x1f'|int(base=16) }} {{ '1f'|int(0, 16) }} {{ ' 5 '|int }} {{ '-7'|int }} {{ '1_000'|int }} {{ [1]|int }} {{ '1e3'|int }} {{ '+5'|int }} {{ ''|int }} {{ '--5'|int }} {{ '0b11'|int(0, 2) }}
{{ missing|int }}
{{ '1.5'|float }} {{ 'x'|float }} {{ 3|float }} {{ '1e3'|float }} {{ 'x'|float(2.5) }} {{ 'inf'|float }} {{ ' 2 '|float }} {{ none|float }} {{ true|float }}
{{ -5|abs }} {{ (-5)|abs }} {{ -1.5|abs }} {{ 5|abs }} {{ true|abs }}
{{ 42.55|round }} {{ 42.55|round(1) }} {{ 42.55|round(1, 'floor') }} {{ 42.55|round(1, 'ceil') }} {{ 2.5|round }} {{ 3.5|round }} {{ -2.5|round }} {{ 5|round }} {{ 1.005|round(2) }} {{ 1234|round(-2) }} {{ 42.4|round|int }} {{ 2.675|round(2) }} {{ 0.5|round }} {{ 5|round(0, 'floor') }}
{{ {'a': 1}|attr('items') is callable }} [{{ {'a': 1}|attr('a') }}]
# tojson
{{ {'a': 1, 'b': [1, 2.5, none, true, 'x']}|tojson }} {{ []|tojson }} {{ {}|tojson }} {{ 'é漢"\\\n\t\x01\x7f/<>&\''|tojson }} {{ (1, 2)|tojson }} {{ 1.0|tojson }} {{ 1e20|tojson }} {{ none|tojson }} {{ {1: 2, none: 3, true: 4, 1.5: 5}|tojson }} {{ messages[0]|tojson }} {{ 'é😀'|tojson(ensure_ascii=true) }}
{{ {'a': [1, {'b': []}], 'c': {}}|tojson(indent=4) }}
{{ [{'a': 1}, []]|tojson(indent=2) }} {{ {'b': 1, 'a': 2}|tojson(sort_keys=true) }} {{ [1, 2]|tojson(separators=(',', ':')) }} {{ {'a': [1]}|tojson(indent='--') }} {{ [1]|tojson(indent=0) }} {{ {'a': 1, 'b': 2}|tojson(separators=(',', ':'), indent=1) }}
{{ missing|tojson }}
{{ [missing]|tojson }}
{{ range|tojson }}
{{ messages|tojson(indent=2) }}
# tests
{{ missing is defined }} {{ missing is undefined }} {{ messages is defined }} {{ missing is not defined }} {{ not missing is defined }} {{ messages[0].nope is defined }} {{ messages[0]['role'] is defined }}
{{ none is none }} {{ missing is none }} {{ 0 is none }} {{ none is not none }} {{ true is boolean }} {{ 1 is boolean }} {{ true is true }} {{ 1 is true }} {{ false is false }} {{ 0 is false }}
{{ 1 is integer }} {{ true is integer }} {{ 1.0 is float }} {{ 1 is float }} {{ 1 is number }} {{ true is number }} {{ 'a' is number }} {{ 'a' is string }} {{ 1 is string }} {{ missing is string }} {{ none is string }}
{{ {} is mapping }} {{ [] is mapping }} {{ 'a' is iterable }} {{ 1 is iterable }} {{ none is iterable }} {{ {} is iterable }} {{ missing is iterable }} {{ 'a' is sequence }} {{ [] is sequence }} {{ {} is sequence }} {{ 1 is sequence }} {{ missing is sequence }} {{ none is sequence }} {{ range(2) is iterable }} {{ range(2) is sequence }} {{ messages|map('list') is iterable }} {{ messages|map('list') is sequence }} {{ {}.items() is iterable }} {{ {}.items() is sequence }}
{{ range is callable }} {{ 1 is callable }} {{ 'a'.upper is callable }} {{ 1 is sameas 1 }} {{ none is sameas none }} {{ false is sameas false }} {{ 0 is sameas false }} {{ 'a' is escaped }}
{{ 1 is eq 1 }} {{ 1 is equalto(1) }} {{ 1 is ne 2 }} {{ 1 is lt 2 }} {{ 1 is le 1 }} {{ 2 is gt 1 }} {{ 2 is ge 3 }} {{ 2 is greaterthan 1 }} {{ 2 is lessthan 1 }} {{ 1 is in [1] }} {{ 1 is not in [1] }} {{ 'a' is in 'abc' }}
{{ 3 is odd }} {{ 3 is even }} {{ -3 is odd }} {{ 6 is divisibleby 3 }} {{ 6 is divisibleby(4) }} {{ 'abc' is lower }} {{ 'ABC' is upper }} {{ 'Abc' is upper }} {{ 'trim' is filter }} {{ 'nope' is filter }} {{ 'odd' is test }}
{{ 1 is nope }}
{{ 'a'|nope }}
{{ 'a' is string and 'b' is string or false }} {{ 1 is number == true }} {{ 1 + 1 is number }} {{ 'a' ~ 1 is string }} {{ not 1 is string }} {{ 'a'|upper is upper }} {{ messages|length is gt 3 }} {{ -1|abs is number }}
{{ 'x' if messages[0].tool_calls is defined and messages[0].tool_calls is not none else 'y' }} {{ (messages[0]['tool_calls'] is iterable) }} {{ 'tool_calls' in messages[0] }} {{ messages[0].content is not mapping }}
# globals and statements
{% for x in [1, 1, 2, 2, 1] %}{{ loop.changed(x) }}{{ loop.depth }}{{ loop.depth0 }} {% endfor %}
{% for x in [1, 1] %}{{ loop.changed() }}{{ loop.changed(x, 'a') }} {% endfor %}
{% for m in messages %}{% if loop.changed(m.role) %}[{{ m.role }}]{% endif %}{% endfor %}
{% for a in [1, 2] %}{% for b in [3, 3] %}{{ loop.changed(b) }}{{ loop.depth }}{% endfor %}{% endfor %}
{% for i in [1, [2, [3, 4]], 5] recursive %}{% if i is number %}{{ i }}@{{ loop.depth }}{{ loop.depth0 }} {% else %}({{ loop(i) }}){% endif %}{% endfor %}
{% for i in [{'n': 'a', 'c': [{'n': 'b', 'c': []}, {'n': 'd', 'c': []}]}] recursive %}{{ i.n }}{{ loop.index }}/{{ loop.length }}[{{ loop(i.c) }}]{% else %}none{% endfor %}
{% for i in [1, 2, [3, 2, 4]] if i != 2 recursive %}{{ loop(i) | upper if i is iterable else i }},{% endfor %}
{% for i in [[1, 2]] recursive %}{% for j in [7] %}{{ j }}{% endfor %}{{ loop(i) if i is sequence else i }}{% endfor %}
{% set x = 5 %}{% for i in [[1]] recursive %}{% set x = 6 %}{{ x }}{{ loop(i) if i is sequence }}{% endfor %}{{ x }}
{% for i in [1, [2, 3, 4], 5] recursive %}{% if i == 3 %}{% break %}{% endif %}{{ loop(i) if i is sequence else i }}{% endfor %}
{% for i in [1] %}{{ loop([2]) }}{% endfor %}
{% for i in [1] recursive %}{{ loop() }}{% endfor %}
{% for i in [1] recursive %}{{ loop(5) }}{% endfor %}
{% set message = {'x': 1} %}{% set message.x = 2 %}{{ message.x }}
{{ dict(a=1, b=2) }} {{ dict({'a': 1}, b=2) }} {{ dict([('x', 1)]) }} {{ dict() }} {{ namespace(a=1).a }} {{ namespace({'a': 2}).a }} [{{ namespace().b }}] {{ namespace(a=1)['a'] }}
{{ strftime_now('%Y-%m-%d %H:%M:%S %A %B %b %d %j') }} {{ strftime_now("%-d %e") }} {{ date_string }} {{ datetime }} {{ strftime_now('%d %b %Y') }}
{{ raise_exception('stop ' ~ 1) }}
{{ bos_token }}{{ eos_token }} {{ add_generation_prompt }} {{ enable_thinking }} {{ thinking }} {{ reasoning_effort }} [{{ tools }}] [{{ documents }}]
{% set x = 5 %}{{ x }}{% if x > 3 %}a{% elif x > 1 %}b{% else %}c{% endif %}{% if not x %}d{% endif %}
{% set ns = namespace(x=1) %}{% for i in range(3) %}{% set ns.x = ns.x * 2 %}{% set ns.y = i %}{% endfor %}{{ ns.x }}{{ ns.y }}
{% set d = {} %}{% set d.x = 1 %}
{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{% endfor %}{{ x }}{% if true %}{% set x = 3 %}{% endif %}{{ x }}
{% set a = [1, 2] %}{% set (b, c) = a %}{{ b }}{{ c }}
{% set a, b = [1] %}
{% for a, b in [[1, 2, 3]] %}{% endfor %}
{% for i in 5 %}{% endfor %}
{% for i in none %}{% endfor %}
{% for i in [1, 2, 3] if i != 2 %}{{ loop.index }}{{ i }}{{ loop.last }}{% endfor %}
{% for i in [1, 2] %}{{ loop.previtem }}{{ loop.nextitem }}{% endfor %}
{% for x in messages %}{{ loop.index0 }}{% endfor %}{{ loop }}
{% for k in {'a': 1, 'b': 2} %}{{ k }}{% endfor %}{% for k, v in {'a': 1}|items %}{{ k }}{{ v }}{% endfor %}{% for k, v in {'b': 1, 'a': 2}|dictsort %}{{ k }}{% endfor %}
{% macro m(a, b='x') %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(b=3, a=4) }}{{ m() }}{{ m(*[1, 2]) }}{{ m(**{'a': 5}) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=2) }}
{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}
{% macro a() %}A{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}
{% set y = 1 %}{% macro m() %}{{ y }}{% endmacro %}{% set y = 2 %}{{ m() }}
{% macro m(x) %}{% set x = x ~ '!' %}{{ x }}{% endmacro %}{{ m('a') }}{{ x }}
{% for i in [1, 2] %}{% macro m() %}{{ i }}{% endmacro %}{{ m() }}{% endfor %}
{% filter upper %}a{{ 'b' }}{% endfilter %}{% filter replace('a', 'b')|trim %} a {% endfilter %}
{% generation %}x{% endgeneration %}{%- generation -%} y {%- endgeneration -%}
{% if true %}{% generation %}{% set z = 1 %}{{ z }}{% endgeneration %}{{ z }}{% endif %}
{{ '' }}{{- '' }} x {{- '' -}} y
a {%- if true %} b {% endif -%} c
{% if a %}{% elif b %}{% else %}else{% endif %}
{% set messages = messages[1:] %}{{ messages|length }}{{ messages[0].role }}
{{ "a" if messages[0].role == "system" else "b" }}{{ messages[(messages|length) - 1].role }}{{ messages[loop.index0 - 1] if loop is defined else '-' }}
{%- for m in messages %}{% if loop.first and m.role != 'system' %}A{% endif %}{% if not loop.last and messages[loop.index0 + 1].role == 'user' %}B{% endif %}{% endfor %}
{{ 'a' 'b' | upper }} {{ ('a' ~ 'b') | upper }} {{ 'a' ~ 'b' | upper }} {{ 'a' + 'b' | upper }} {{ -1 | abs }} {{ 2 ** 2 | string }}
{{ (messages|map(attribute='content')|list)[-1] }} {{ messages|map(attribute='content')|map('trim')|map('length')|sum }}
{{ [messages[0].role, messages[1].role] }} {{ messages[1] }} {{ messages[1:3] }}
{{ {'role': 'x', **{}} }}
{{ 1 if }}
{{ }}
{% nope %}
{% if true %}
{{ 'a
{% include 'x' %}
{% for in x %}{% endfor %}
{% endif %}
{{ a b }}
{{ 1 is string is number }}
{% break %}
{% set true = 1 %}
{# open
{% raw %}{{ x }}{% endraw %} {%raw%}{% y %}{%endraw%}
{{ "{{" }} {{ '{%' }} {# {{ x }} #}
{{ missing or 'fallback' }} {{ missing and 1 }}|{{ not missing }} {{ missing ~ '' }}| {{ 'a' if not missing }}
{{ messages | length > 3 and messages[0].role == 'system' }} {{ (messages | length) - 1 }} {{ messages|length - 1 }} {{ messages|length % 2 == 0 }} {{ (loop_count | default(0)) + 1 }}
{{ [1, 2, 3][messages|length - 5] }} {{ 'abc'[1:][0] }} {{ 'a,b'.split(',')[1] }} {{ ('a', 'b')[0] }} {{ {'a': [1, 2]}['a'][1] }} {{ {'a': 1}['a'] + 1 }} {{ 'x'.join(['a', 'b'])[0:2] }}
{{ 'User: ' ~ messages[1].content ~ '\n' }} {{ messages[0]['content'] | trim | length }} {{ messages[0].content.strip().split(' ')[0] }} {{ messages[0].content | trim | upper | replace('BRIEF', 'short') | title }}
{{ 10 // 3 * 3 + 10 % 3 }} {{ 7 - -3 }} {{ 2 - 1 - 1 }} {{ 1 - (1 - 1) }} {{ not 0 + 1 }} {{ 1 + 1 == 2 and 2 * 2 == 4 }} {{ '1' + '1' == '11' }} {{ 3 * 'ab' }}
"""

# What a line cannot hold.
LONG = [
    "{{ [1, 2, 3]\n   | join(\n     ', ') }}",
    "{{ 'a\\\nb' }}{{ 'c\nd' }}",
    "{%- set x = [\n  1,\n  2,\n] -%}\n{{ x }}\n",
    "a\n\n\n{% if true %}\n\nb\n{% endif %}\n\n",
]


def cases():
    """Lines that are only expressions are cut into one case each."""
    found = []
    for line in BLOCKS.strip("\n").split("\n"):
        if line.startswith("# "):
            continue
        found.append(line)
        if line.startswith("{{") and line.endswith("}}") and "{%" not in line and "}} {{" in line:
            parts = line[2:-2].split("}} {{")
            found += ["{{" + part + "}}" for part in parts]
    return found + LONG
