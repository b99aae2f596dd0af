import { expect, test } from '@jest/globals';
import { withoutValues } from './statement-text.js';

test.each([
  ["SELECT * FROM t WHERE name = 'Ann''s' AND x = $1", 'SELECT * FROM t WHERE name = ? AND x = $1'],
  [String.raw`SELECT E'it\'s secret', 'b'`, 'SELECT ?, ?'],
  [`SELECT "it's", 'secret'`, `SELECT "it's", ?`],
  ['SELECT $$secret$$, $tag$it is $$ secret$tag$, $2', 'SELECT ?, ?, $2'],
  ['SELECT * FROM t2 WHERE n > 4711.5 LIMIT 10', 'SELECT * FROM t2 WHERE n > ? LIMIT ?'],
])('%s has no values', (statement, expected) => {
  expect(withoutValues(statement)).toBe(expected);
});

test.each(["'", "E'", '$$', '$tag$'])('a value that begins with %s and is cut has none', (begin) => {
  expect(withoutValues(`SELECT ${begin}${'secret '.repeat(1_000)}`)).toBe('SELECT ?');
});
