import { expect, it } from '@jest/globals';
import { jsonOf } from './samples.js';

it.each([
  ["'https://rondo.example'", 'https://rondo.example'],
  ['10n', 10],
  ['true', true],
  ["['Ada']", ['Ada']],
  ['new Date(0)', '2026-01-02T09:00:00Z'],
  ['[new Date(0)]', ['2026-01-02T09:00:00Z']],
  ['[{ seconds: 60n }]', ['60s']],
  ['new Uint8Array([1])', 'AQ=='],
  ['{ year: 2026, month: 1, day: 2 }', { year: 2026, month: 1, day: 2 }],
  ["{ currencyCode: 'EUR', units: 1n }", { currencyCode: 'EUR', units: 1 }],
])('the sample %s can be sent as JSON', (expression, value) => {
  expect(jsonOf(expression)).toEqual(value);
});
