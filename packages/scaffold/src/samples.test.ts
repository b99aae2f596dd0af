import { describe, expect, it } from '@jest/globals';
import { linesOf, withoutLinks, withoutMarked } from './samples.js';

describe('marked lines', () => {
  it.each([
    ['a\nb # sample: sales\nc\n', 'a\nc\n'],
    ["  one, // sample: sales\n  'two',\n", "  'two',\n"],
    ['| a | b <!-- sample: sales --> |\n| c | d |\n', '| c | d |\n'],
    ['a\n# sample: carts, sales\nb\n# /sample\nc\n', 'a\nc\n'],
    ['a\n\n<!-- sample: sales -->\n\nb\n\n<!-- /sample -->\n\nc\n', 'a\n\nc\n'],
    ['a\n\n<!-- sample: sales -->\n\nb\n\n<!-- /sample -->\n', 'a\n'],
  ])('%j', (text, rest) => {
    expect(withoutMarked(text, 'sales')).toBe(rest);
  });

  it.each(['# sample: carts\na\n# /sample\n', 'a sample: sales\n', 'a # sample: sales-2\n', 'a # sample: NAME\n'])(
    'are not those of %j',
    (text) => {
      expect(withoutMarked(text, 'sales')).toBe(text);
    },
  );

  it('keep their numbers', () => {
    expect([...linesOf('a\n  // sample: sales\nb\n  // /sample\nc\nd // sample: sales', 'sales')]).toEqual([
      1, 2, 3, 5,
    ]);
  });
});

describe('links to removed files', () => {
  const removed = ['docs/guides/a.md', 'chaos'];

  it.each([
    ['[a](a.md)', 'a'],
    ['[`a` and b](./a.md#here)', '`a` and b'],
    ['[c](../../chaos/src/main.ts)', 'c'],
    ['[c](../../chaos/)', 'c'],
  ])('%s becomes its text', (link, text) => {
    expect(withoutLinks(`See ${link}.`, 'docs/guides/b.md', removed)).toBe(`See ${text}.`);
  });

  it.each(['[a](../a.md)', '[a](#a.md)', '[a](https://example.com/docs/guides/a.md)', '[d](ab.md)'])(
    '%s stays',
    (link) => {
      expect(withoutLinks(link, 'docs/guides/b.md', removed)).toBe(link);
    },
  );
});
