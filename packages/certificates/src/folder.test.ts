import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { renewAll, replaceAuthority, retireAuthorities } from './folder.js';

const DAY_MS = 24 * 60 * 60_000;
const START = new Date('2026-03-01T00:00:00Z');

let folder: string;
beforeEach(() => {
  folder = path.join(mkdtempSync(path.join(tmpdir(), 'rondo-certs-')), 'certs');
});
afterEach(() => rmSync(path.dirname(folder), { recursive: true }));

const optionsAt = (days: number) => ({
  folder,
  trustDomain: 'rondo.test',
  now: new Date(START.getTime() + days * DAY_MS),
});

const read = (...names: string[]) => readFileSync(path.join(folder, ...names), 'utf8');
const modeOf = (...names: string[]) => (statSync(path.join(folder, ...names)).mode & 0o777).toString(8);
const authorities = (text: string) => text.match(/BEGIN CERTIFICATE/g)?.length;

it('makes an authority and certificates that only their user can use', async () => {
  const issued = await renewAll(['sales', 'person/jo'], optionsAt(0));
  expect(issued.map(({ name, isNew }) => [name, isNew])).toEqual([
    ['sales', true],
    ['person/jo', true],
  ]);
  expect(readdirSync(folder).sort()).toEqual(['authority', 'person', 'sales']);
  expect([modeOf(), modeOf('authority'), modeOf('sales')]).toEqual(['700', '700', '700']);
  expect([modeOf('authority', 'ca.key'), modeOf('sales', 'tls.key'), modeOf('person', 'tls.key')]).toEqual(
    Array(3).fill('600'),
  );
  const [sales, person] = [
    new X509Certificate(read('sales', 'tls.crt')),
    new X509Certificate(read('person', 'tls.crt')),
  ];
  expect(sales.subjectAltName).toContain('URI:spiffe://rondo.test/sales, DNS:localhost');
  expect(person.subjectAltName).toBe('URI:spiffe://rondo.test/person/jo');
  expect(person.keyUsage).toHaveLength(1);
  expect(readdirSync(path.join(folder, 'sales')).sort()).toEqual(['ca.crt', 'tls.crt', 'tls.key']);
});

it('renews at two thirds of the life, and not before unless it is asked to', async () => {
  await renewAll(['sales'], optionsAt(0));
  const first = read('sales', 'tls.crt');
  expect(await renewAll(['sales'], optionsAt(19))).toMatchObject([{ isNew: false }]);
  expect(read('sales', 'tls.crt')).toBe(first);
  expect(await renewAll(['sales'], optionsAt(21))).toMatchObject([{ isNew: true }]);
  expect(await renewAll(['sales'], { ...optionsAt(21), always: true })).toMatchObject([{ isNew: true }]);
});

it('replaces the authority: first all trust both, then the certificates change, then the earlier one is retired', async () => {
  await renewAll(['sales'], optionsAt(0));
  const [before, leaf] = [read('authority', 'ca.crt'), read('sales', 'tls.crt')];
  await replaceAuthority(optionsAt(1));
  expect([authorities(read('sales', 'ca.crt')), read('sales', 'tls.crt')]).toEqual([2, leaf]);
  await renewAll(['sales'], optionsAt(1));
  const renewed = new X509Certificate(read('sales', 'tls.crt'));
  expect(renewed.verify(new X509Certificate(read('authority', 'ca.crt')).publicKey)).toBe(true);
  expect(renewed.verify(new X509Certificate(before).publicKey)).toBe(false);
  retireAuthorities({ folder });
  expect(read('sales', 'ca.crt')).toBe(read('authority', 'ca.crt'));
});

it('refuses a folder of another trust domain, and an authority that has expired', async () => {
  await renewAll(['sales'], optionsAt(0));
  await expect(renewAll(['sales'], { ...optionsAt(0), trustDomain: 'other.test' })).rejects.toThrow(
    /is the authority of rondo\.test, not of other\.test/,
  );
  await expect(renewAll(['sales'], optionsAt(400))).rejects.toThrow(/ca\.crt has expired: rondo certs --authority/);
});
