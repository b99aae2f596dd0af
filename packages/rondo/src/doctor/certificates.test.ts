import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { renewAll } from '@rondo/certificates';
import { examineCertificates } from '../commands/doctor.js';

const START = new Date('2026-03-01T00:00:00Z');
const daysLater = (days: number) => new Date(START.getTime() + days * 24 * 60 * 60_000);

let data: string;
beforeAll(async () => {
  data = mkdtempSync(path.join(tmpdir(), 'rondo-data-'));
  await renewAll(['sales'], { folder: path.join(data, 'certs'), trustDomain: 'rondo.test', now: START });
});
afterAll(() => rmSync(data, { recursive: true }));

it.each([
  [1, 'ok', 'the next expires on 2026-03-31'],
  [25, 'warn', 'expires on 2026-03-31'],
  [31, 'fail', 'has expired on 2026-03-31'],
])('certificates of 30 days are, after %s: %s', (days, state, detail) => {
  expect(examineCertificates(data, daysLater(days))).toMatchObject([
    { state, detail: expect.stringContaining(detail) },
  ]);
});

it('nothing is said where there are none', () => {
  expect(examineCertificates('/nowhere', START)).toEqual([]);
});
