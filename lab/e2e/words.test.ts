import { expect, it } from '@jest/globals';
import { wordsIn } from '../words.mjs';

it.each([
  ['docs/a.md', 'one\nA proxy beside it.', 'docs/a.md:2: "beside": write next to, besides, or compared with'],
  ['a.ts', '/** What a client is told. */', expect.stringContaining('a.ts:1: "told"')],
  ['a.sh', 'true # the firings of it', expect.stringContaining('a.sh:1: "firings"')],
  ['a.ts', 'const seen = inSight(1); // next to it', expect.stringContaining('a.ts:1: the name "Sight"')],
])('a comment, a guide or a name with a word of our own is found: %s', (file, text, fault) => {
  expect(wordsIn(file, () => text)).toEqual([fault]);
});

it.each([
  ['docs/a.md', 'A `beside`, and [one](beside.md):\n```ts\n// beside\n```'],
  ['a.ts', "const insight = 'as told'; // out of sight"],
  ['a.png', 'beside'],
])("what isn't a term stays: %s %j", (file, text) => {
  expect(wordsIn(file, () => text)).toEqual([]);
});
