import { RE2JS } from '@bufbuild/re2';
import { describe, expect, it } from '@jest/globals';
import { Pattern } from '@rondo/validation/strings';
import { compilePattern } from '../../rondo/src/generate/rules/pattern-program.js';

const pattern = (source: string) => new Pattern(compilePattern(source));

const PATTERNS = [
  ...[
    '',
    'a',
    '^a',
    'a$',
    '^a$',
    '^$',
    'ab|c',
    'a*b',
    'a+?b',
    '(a|b)*c',
    '[^a]',
    '^[a-c]{2,3}$',
    '.',
    '(?s).',
    '(?m)^a$',
  ],
  ...[
    '\\ba',
    'a\\b',
    '\\Ba\\B',
    '^\\w+\\W\\d*$',
    '(?i)straße',
    '(?i)k',
    '\\p{L}+',
    '\\P{Lu}',
    '[[:alpha:]]',
    '\\x{1F600}',
    '\\pN',
  ],
  ...[
    '^(?:a|aa)+$',
    '(a{0,2}){2}b',
    'a\\z',
    '\\Aa',
    '(?U)a+b',
    '\\Qa.b\\E',
    '(?P<name>a)b',
    '[\\d\\-a]',
    '\\n',
    '(?m)b$',
    '^😀?a',
  ],
];
const TEXTS = [
  ...[
    '',
    'a',
    'b',
    'ab',
    'aab',
    'ba',
    'c',
    'abc',
    'aaa',
    'aaaa',
    'a b',
    'b a',
    ' a ',
    'xax',
    'a\n',
    '\na',
    'b\na\nb',
    'K',
    'k',
    '\u212a',
  ],
  ...[
    'STRASSE',
    'straße',
    'STRAßE',
    'é',
    'É',
    '1',
    '٣',
    '😀',
    '😀a',
    'a.b',
    'acb',
    '-',
    '_',
    'word!12',
    '\ud83d',
    'a\ud83d',
    '\n',
    'abb',
  ],
];

it.each(PATTERNS)('matches %j as RE2 does', (source) => {
  const ours = pattern(source);
  const theirs = RE2JS.compile(source);
  for (const text of [...TEXTS, ...TEXTS]) expect([text, ours.test(text)]).toEqual([text, theirs.test(text)]);
});

describe('a pattern', () => {
  it.each(['^(a+)+$', '^(a|a)*$', '^(a|aa)+$', '(x+x+)+y', '^(.*?,){40}z'])(
    'takes time in proportion to the text, so that %s ends at once where backtracking would not',
    (source) => {
      // By backtracking, the first takes 2 ** 100_000 steps.
      expect(pattern(source).test(`${'a'.repeat(100_000)}!`)).toBe(false);
      expect(pattern(source).test(`${'x,'.repeat(50_000)}!`)).toBe(false);
    },
  );

  it('forgets its states if there are too many, and matches on', () => {
    // Which of the last 12 letters were an a: more states than are kept.
    const late = pattern('^[ab]*a[ab]{12}$');
    let seed = 1;
    const letters = Array.from({ length: 20_000 }, () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return seed & 0x10000 ? 'a' : 'b';
    }).join('');
    expect(late.test(`${letters}a${'b'.repeat(12)}`)).toBe(true);
    expect(late.test(`${letters}b${'b'.repeat(12)}`)).toBe(false);
  });

  it.each(['(a', '(a)\\1', '(?=a)', 'a**', '[b-a]'])('is refused if RE2 has no such syntax: %s', (source) => {
    expect(() => compilePattern(source)).toThrow(/error parsing regexp/);
  });
});
