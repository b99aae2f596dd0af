import { expect, it } from '@jest/globals';
import { formatRetryPushback, readPreviousAttempts, readRetryPushback } from './retry-metadata.js';

it.each([
  [undefined, undefined],
  ['0', 0],
  ['250', 250],
  ['-1', -1],
  ['-5', -1],
  ['1.5', -1],
  ['soon', -1],
  ['', -1],
  ['99999999999', -1],
  [new Uint8Array([49]), -1],
])('reads a pushback of %j as %j: what is no number means no retry', (value, ms) => {
  expect(readRetryPushback(value)).toBe(ms);
});

it.each([
  [-7, '-1'],
  [0, '0'],
  [1.2, '2'],
  [2 ** 40, '2147483647'],
])('writes a pushback of %d ms as %s', (ms, text) => {
  expect(formatRetryPushback(ms)).toBe(text);
});

it.each([
  [undefined, undefined],
  ['0', undefined],
  ['3', 3],
  ['many', undefined],
])('reads %j earlier attempts as %j', (value, count) => {
  expect(readPreviousAttempts(value)).toBe(count);
});
