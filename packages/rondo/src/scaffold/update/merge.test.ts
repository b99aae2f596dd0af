import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Contract, ServiceContract } from '../contract/contract.js';
import { mergeContracts } from './merge.js';

const SERVER = "import { type Handlers, implement, unimplemented } from '@rondo/rpc/server';";
const CONTRACT = "import { AcmeDefinition } from '@rondo/contracts/acme/acme';";
const HEAD = `${CONTRACT}\n${SERVER}\n`;

const service = (name: string, keys: readonly string[]): ServiceContract => ({
  fullName: `acme.${name}`,
  name,
  definition: `${name}Definition`,
  module: '@rondo/contracts/acme/acme',
  resources: [],
  methods: keys.map((key) => ({
    name: key.charAt(0).toUpperCase() + key.slice(1),
    key,
    requestStream: false,
    responseStream: false,
    refusesEmpty: false,
  })),
});

const contract = (...services: readonly ServiceContract[]): Contract => ({
  file: 'acme/acme.proto',
  files: [],
  services,
  styleRemarks: [],
});

describe('a service whose contract has changed', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'rondo-merge-'));
    mkdirSync(path.join(root, 'services/acme/src'), { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const FILE = 'services/acme/src/acme.ts';
  /** Merges a file with a contract whose one service has the methods `keys`. */
  function merged(text: string, keys: readonly string[]) {
    writeFileSync(path.join(root, FILE), text);
    const merge = mergeContracts(root, 'acme', [contract(service('Acme', keys))]);
    return { ...merge, text: merge.files.find(([file]) => file === FILE)?.[1] ?? text };
  }

  it.each([
    ['an annotation', 'const a: Handlers<typeof AcmeDefinition> = {\n  get: mine,\n};\n'],
    ['satisfies', 'const a = {\n  get: mine,\n} satisfies Handlers<typeof AcmeDefinition>;\n'],
    ['implement', 'const a = implement(AcmeDefinition, {\n  get: mine,\n});\n'],
    ['a return type', 'function a(): Handlers<typeof AcmeDefinition> {\n  return {\n    get: mine,\n  };\n}\n'],
    ['an arrow', 'const a = (): Handlers<typeof AcmeDefinition> => ({\n  get: mine,\n});\n'],
    [
      'a method',
      'class A {\n  a(): Handlers<typeof AcmeDefinition> {\n    return {\n      get: mine,\n    };\n  }\n}\n',
    ],
  ])('gets stubs in the object that is marked by %s', (_how, code) => {
    const { text, stubs, byHand } = merged(HEAD + code, ['get', 'put', 'drop']);
    const indent = /\n( *)get: mine,/.exec(code)?.[1] ?? '';
    const stub = `unimplemented('${FILE}')`;
    expect(text).toBe(HEAD + code.replace('get: mine,', `get: mine,\n${indent}put: ${stub},\n${indent}drop: ${stub},`));
    expect(stubs).toEqual([
      { method: 'acme.Acme/Put', file: FILE },
      { method: 'acme.Acme/Drop', file: FILE },
    ]);
    expect(byHand).toEqual([]);
  });

  it.each([
    ['tabs', '{\n\tget: mine,\n}', '{\n\tget: mine,\n\tput: later,\n}'],
    ['no comma at the end', '{\n  get: mine\n}', '{\n  get: mine,\n  put: later,\n}'],
    ['a comment', '{\n  // why\n  get: mine, // so\n}', '{\n  // why\n  get: mine, // so\n  put: later,\n}'],
    ['a comment for a comma', '{\n  get: mine // so, and\n}', '{\n  get: mine, // so, and\n  put: later,\n}'],
    ['a comment at the end', '{\n  get: mine,\n  // put\n}', '{\n  get: mine,\n  // put\n  put: later,\n}'],
    ['a bracket after the last', '{\n  get: mine }', '{\n  get: mine,\n  put: later,\n }'],
    ['one line, with a comma', '{ get: mine, }', '{ get: mine, put: later, }'],
    ['one line', '{ get: mine }', '{ get: mine, put: later }'],
    ['quoted keys', "{\n  'get': mine,\n}", "{\n  'get': mine,\n  put: later,\n}"],
    ['nothing in it', '{}', '{\n  get: later,\n  put: later,\n}'],
  ])('keeps its style: %s', (_what, before, after) => {
    const wrap = (object: string) =>
      `${HEAD}const later = unimplemented('here');\nconst a: Handlers<typeof AcmeDefinition> = ${object};\n`;
    expect(merged(wrap(before), ['get', 'put']).text).toBe(wrap(after));
  });

  it.each([
    [
      "import type { Handlers } from '@rondo/rpc/server';",
      (line: string) => `${line}\nimport { unimplemented } from '@rondo/rpc/server';`,
    ],
    [
      'import type { Handlers } from "@rondo/rpc/server"',
      (line: string) => `${line}\nimport { unimplemented } from "@rondo/rpc/server"`,
    ],
    [
      "import { type Handlers } from '@rondo/rpc/server';",
      (line: string) => line.replace('Handlers', 'Handlers, unimplemented'),
    ],
  ])('imports what a stub needs next to %s', (line, then) => {
    const code = '\n\nconst a: Handlers<typeof AcmeDefinition> = {};\n';
    const stub = `const a: Handlers<typeof AcmeDefinition> = {\n  get: unimplemented('${FILE}'),\n};\n`;
    expect(merged(`${CONTRACT}\n${line}${code}`, ['get']).text).toBe(`${CONTRACT}\n${then(line)}\n\n${stub}`);
  });

  it('recognizes renamed imports of definitions and handlers', () => {
    const head =
      "import { AcmeDefinition as Old } from '@rondo/contracts/acme/acme';\n" +
      "import { type Handlers as H, unimplemented as later } from '@rondo/rpc/server';\n";
    const { text } = merged(`${head}const stub = later('x');\nconst a: H<typeof Old> = { get: mine };\n`, [
      'get',
      'put',
    ]);
    expect(text).toContain('{ get: mine, put: stub }');
  });

  it("leaves another contract's handlers alone", () => {
    const other = HEAD.replace('acme/acme', 'other/acme');
    const text = `${other}const a: Handlers<typeof AcmeDefinition> = { get: mine };\n`;
    expect(merged(text, ['get', 'put']).text).toBe(text);
  });

  it('changes nothing if nothing is missing', () => {
    expect(merged(`${HEAD}const a: Handlers<typeof AcmeDefinition> = { get };\n`, ['get'])).toMatchObject({
      files: [],
      stubs: [],
      byHand: [],
    });
  });

  it('reports what to remove, and keeps it', () => {
    const text = `${HEAD}const a: Handlers<typeof AcmeDefinition> = {\n  get: mine,\n  old: mine,\n};\n`;
    const { byHand, files } = merged(text, ['get']);
    expect(byHand).toEqual([`${FILE}:5: remove old: acme.Acme has no such method any more`]);
    expect(files).toEqual([]);
  });

  it('reports what to add if it can not see all handlers', () => {
    const spread = merged(`${HEAD}const a: Handlers<typeof AcmeDefinition> = { ...rest, get };\n`, ['get', 'put']);
    const standard = `import { standardMethods } from '@rondo/resources';\n${HEAD}const a: Handlers<typeof AcmeDefinition> = {\n  ...standardMethods(AcmeDefinition, x, y),\n};\n`;
    expect(merged(standard, ['get', 'put']).stubs).toHaveLength(2);
    expect(spread.byHand).toEqual([expect.stringMatching(/acme\.ts:3: add put, unless .*: put: unimplemented/)]);
    const elsewhere = merged(`${HEAD}const a = implement(AcmeDefinition, handlers);\n`, ['get', 'put']);
    expect(elsewhere.byHand).toEqual([
      `${FILE}:3: the handlers of acme.Acme are in no object of type Handlers<typeof AcmeDefinition>; compare them with the contract: get, put`,
    ]);
    expect([...spread.files, ...elsewhere.files]).toEqual([]);
  });

  it('refuses a source that it can not parse', () => {
    expect(() => merged('const a = {\n;', ['get'])).toThrow(
      /^services\/acme\/src\/acme\.ts:2: Unexpected token; correct/,
    );
  });

  describe('with a new service', () => {
    const APP = 'services/acme/src/app.ts';
    const app = (services: string) =>
      `${CONTRACT}\nimport { implement } from '@rondo/rpc/server';\nimport { acme } from './acme.js';\n\n` +
      `export const createApp = () => ({ services: ${services} });\n`;
    const both = contract(service('Acme', ['get']), service('EchoService', ['echo']));
    function grown(text: string) {
      writeFileSync(path.join(root, APP), text);
      writeFileSync(path.join(root, FILE), `${HEAD}export const acme: Handlers<typeof AcmeDefinition> = { get };\n`);
      return mergeContracts(root, 'acme', [both]);
    }

    it('gets a file of handlers, wired in the app', () => {
      const { files, fresh, stubs } = grown(app('[\n  implement(AcmeDefinition, acme),\n]'));
      expect(fresh).toEqual(['services/acme/src/echo.ts']);
      expect(stubs).toEqual([{ method: 'acme.EchoService/Echo', file: 'services/acme/src/echo.ts' }]);
      const text = files.find(([file]) => file === APP)?.[1];
      expect(text).toContain('[\n  implement(AcmeDefinition, acme),\n  implement(EchoServiceDefinition, echo),\n]');
      expect(text).toContain(
        "\nimport { EchoServiceDefinition } from '@rondo/contracts/acme/acme';\nimport { echo } from './echo.js';\n",
      );
    });

    it('avoids names that are taken', () => {
      writeFileSync(path.join(root, 'services/acme/src/echo.ts'), 'export const mine = 1;\n');
      expect(grown(app('[implement(AcmeDefinition, acme)]')).fresh).toEqual(['services/acme/src/echo-service.ts']);
    });

    it('reports how to wire it if the app has another form', () => {
      expect(grown(app('servicesOf(acme)')).byHand).toEqual([
        expect.stringMatching(
          /app\.ts: add implement\(EchoServiceDefinition, echo\) to the app's services, with import/,
        ),
      ]);
    });

    it('reports the remains of a removed service', () => {
      const text = app('[implement(AcmeDefinition, acme), implement(LostDefinition, lost)]');
      const { byHand } = grown(text.replace('{ AcmeDefinition }', '{ AcmeDefinition, LostDefinition }'));
      expect(byHand).toEqual([`${APP}:5: remove the use of LostDefinition: its service no longer exists`]);
    });
  });
});
