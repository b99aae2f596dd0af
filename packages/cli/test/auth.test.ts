import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { formatRules, rulesOf } from '../src/contract/auth-matrix.js';
import { rondo } from './recording-context.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const page = readFileSync(`${root}/docs/reference/authorisation.md`, 'utf8');
const packages = rulesOf(readFileSync(`${root}/packages/contracts/descriptors.binpb`));
/** Contracts for tests only. */
const OF_TESTS = /^rondo\.conformance\./;

/** The tables of the page, by package. */
function sectionsOf(text: string): ReadonlyMap<string, string> {
  const unmarked = text.replaceAll(/^<!-- .*-->\n/gm, '');
  const sections = unmarked.split(/^(?=## )/m).filter((section) => section.startsWith('## '));
  return new Map(sections.map((section) => [section.slice(3, section.indexOf('\n')), section.trim()]));
}

it.each([...sectionsOf(page)])(
  'docs/reference/authorisation.md has the rules of %s as the contracts do',
  (name, section) => {
    const rules = packages.filter((one) => one.package === name);
    expect(section).toBe(formatRules(rules, true).trim());
  },
);

it("docs/reference/authorisation.md has a table for each of Rondo's own packages", () => {
  const own = packages.map((one) => one.package).filter((name) => name.startsWith('rondo.') && !OF_TESTS.test(name));
  expect([...sectionsOf(page).keys()]).toEqual(expect.arrayContaining(own));
  expect(own.length).toBeGreaterThan(3);
});

it('prints the rules of a package, or says that it has none', async () => {
  const { exitCode, stdout } = await rondo(['auth', 'matrix', 'rondo.conformance.auth.v1'], { repository: root });
  expect(exitCode).toBe(0);
  expect(stdout).toBe(
    [
      'rondo.conformance.auth.v1',
      '  Method                 Person or program            Process',
      '  SecuredService/Open    every caller                 any',
      '  SecuredService/Read    secured.read                 any',
      '  SecuredService/Pass    not needed                   front',
      '  SecuredService/Write   secured.read, secured.write  front',
      '  SecuredService/Follow  secured.read                 any',
      '',
    ].join('\n'),
  );
  expect(await rondo(['auth', 'matrix', 'rondo.registry.v2'], { repository: root })).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining(
      'no package rondo.registry.v2 has rules; rondo auth matrix lists those that have. Did you mean',
    ),
  });
  expect(await rondo(['auth'])).toMatchObject({ exitCode: 2 });
});
