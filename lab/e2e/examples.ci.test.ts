/** The examples at the beginning of the packages' entries compile; the reference of the API repeats them. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { root, start } from '@rondo/harness';

/** Errors of names that an example leaves to its reader, and of what their types would tell. */
const LEFT_TO_THE_READER = /error TS(?:2304|2552|18004|18046|7006|7031):/;

mkdirSync(join(root, '.rondo'), { recursive: true });
const folder = mkdtempSync(join(root, '.rondo/examples-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What examples import of others. */
const OTHERS = Object.fromEntries(
  ['@grpc/grpc-js', '@opentelemetry/api'].map((name) => [
    name,
    [`../../packages/rpc/node_modules/${name}/build/src/index.d.ts`],
  ]),
);

/** The contracts that the examples call. */
const CONTRACTS = {
  CalculatorDefinition: '@rondo/contracts/calculator/calculator',
  CalculatorServiceDefinition: '@rondo/contracts/calculator/v1/calculator',
};

const packages = ['packages', 'plugins'].flatMap((at) => readdirSync(join(root, at)).map((name) => join(at, name)));
const examples = new Map(
  packages.flatMap((at) => Object.values(entriesOf(at)).flatMap((types) => exampleOf(at, types))),
);

it('compile, but for names that they leave to their readers', async () => {
  for (const [file, code] of examples) writeFileSync(join(folder, file), `${code}\nexport {};\n${importsOf(code)}`);
  const paths = Object.assign({}, OTHERS, ...packages.map(pathsOf));
  const settings = {
    noEmit: true,
    composite: false,
    declaration: false,
    declarationMap: false,
    sourceMap: false,
    paths,
  };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.base.json', compilerOptions: settings, include: ['*.ts'] }),
  );
  const { stdout } = await start('node_modules/.bin/tsc', ['-p', folder, '--pretty', 'false']).ended;
  expect(examples.size).toBeGreaterThan(15);
  expect(stdout.split('\n').filter((line) => line !== '' && !LEFT_TO_THE_READER.test(line))).toEqual([]);
});

function importsOf(code: string): string {
  const used = Object.entries(CONTRACTS).filter(([name]) => new RegExp(`\\b${name}\\b`).test(code));
  return used.map(([name, from]) => `import { ${name} } from '${from}';\n`).join('');
}

/** The declarations of a package's entries, by the names of the entries. */
function entriesOf(at: string): Record<string, string> {
  const { exports = {} } = JSON.parse(readFileSync(join(root, at, 'package.json'), 'utf8'));
  const entries = Object.entries<{ types?: string }>(exports).flatMap(([name, { types }]) =>
    types ? [[name, types]] : [],
  );
  return Object.fromEntries(entries);
}

function pathsOf(at: string): Record<string, string[]> {
  const { name } = JSON.parse(readFileSync(join(root, at, 'package.json'), 'utf8'));
  const paths = Object.entries(entriesOf(at)).map(([entry, types]) => [
    `${name}${entry.slice(1)}`,
    [join('../..', at, types)],
  ]);
  return Object.fromEntries(paths);
}

/** The example in the first comment of an entry's source. */
function exampleOf(at: string, types: string): [string, string][] {
  if (types.includes('*')) return [];
  const source = types.replace(/^\.\/dist\/(?:(?:types|declarations)\/)?/, 'src/').replace(/\.d\.ts$/, '.ts');
  const [, code] = /^ \* ```ts\n(.*?)^ \* ```$/ms.exec(readFileSync(join(root, at, source), 'utf8')) ?? [];
  if (code === undefined) return [];
  return [[`${at}/${source}`.replaceAll('/', '-'), code.replace(/^ \* ?/gm, '')]];
}
