import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import type { MethodContract, ServiceContract } from '../contract/contract.js';
import { packagesOf } from '../packages.js';
import { type Blueprint, nameHandlers } from './blueprint.js';
import { renderService } from './service-files.js';

const repository = fileURLToPath(new URL('../../../../..', import.meta.url));

const method = (name: string, kind: Partial<MethodContract> = {}): MethodContract => ({
  name,
  key: name.charAt(0).toLowerCase() + name.slice(1),
  requestStream: false,
  responseStream: false,
  refusesEmpty: false,
  ...kind,
});

const service = (fullName: string, methods: readonly MethodContract[] = [method('Get')]): ServiceContract => {
  const name = fullName.slice(fullName.lastIndexOf('.') + 1);
  const module = '@rondo/contracts/acme/acme';
  return { fullName, name, definition: `${name}Definition`, module, methods, resources: [] };
};

function blueprint(services: readonly ServiceContract[], database?: string): Blueprint {
  return {
    name: 'acme',
    port: 50_060,
    contracts: ['acme/acme.proto'],
    services: nameHandlers(services),
    database,
    packages: packagesOf(repository),
    scope: undefined,
  };
}

const textOf = (drawn: Blueprint, file: string) =>
  renderService(drawn).find(([name]) => name === `services/acme/${file}`)?.[1] ?? '';

describe('the files of a new service and of the samples', () => {
  const files = (drawn: Blueprint) => renderService(drawn).map(([file]) => file);

  it('have the same paths', () => {
    const flat = files(blueprint([service('acme.AcmeService')]));
    for (const file of flat) {
      const twin = file.replaceAll('acme', 'calculator');
      expect([file, existsSync(path.join(repository, twin))]).toEqual([file, true]);
    }
    const kept = files(blueprint([service('acme.AcmeService')], 'acme')).filter((file) => !flat.includes(file));
    for (const file of kept) {
      // Sales begins with the baseline of its earlier migrations.
      const twin = file.replace('0001_acme', '0001_baseline').replaceAll('acme', 'sales');
      expect([file, existsSync(path.join(repository, twin))]).toEqual([file, true]);
    }
  });

  it('have the license of this repository here alone', () => {
    const licenseIn = (drawn: Blueprint) => JSON.parse(textOf(drawn, 'package.json')).license;
    const here = blueprint([]);
    expect(licenseIn(here)).toBe('Apache-2.0');
    expect(licenseIn({ ...here, packages: { ...here.packages, compiles: () => false } })).toBeUndefined();
  });

  it('have the same content', () => {
    const text = (file: string) => readFileSync(path.join(repository, file), 'utf8');
    const like = (drawn: Blueprint, file: string) => textOf({ ...drawn, name: 'acme' }, file);
    // The samples pass plugins. Sales has a page, and uses more packages than a new service; the other lines are the same.
    const alone = (config: string) =>
      config.replace(
        /^ +\{ "path": "(?:page|.*plugins\/.*|.*packages\/(?:jobs|resources|topics|transactions))" \},?\n/gm,
        '',
      );
    const withoutCommas = (config: string) => alone(config).replace(', "src/**/*.json"', '').replaceAll('},\n', '}\n');
    expect(withoutCommas(like(blueprint([]), 'tsconfig.json'))).toBe(
      withoutCommas(text('services/calculator/tsconfig.json')),
    );
    expect(withoutCommas(like(blueprint([], 'acme'), 'tsconfig.json'))).toBe(
      withoutCommas(text('services/sales/tsconfig.json')),
    );
    // Sales has variables of its own, too.
    const database = (config: string) => /^ {2}databaseUrl: .*?^ {2}\}\),$/ms.exec(config)?.[0] ?? 'no database';
    expect(database(like(blueprint([], 'acme'), 'src/config.ts')).replaceAll('acme', 'sales')).toBe(
      database(text('services/sales/src/config.ts')),
    );
    expect(database(text('services/project-management/src/config.ts'))).toContain('    secret: true,');
    // It has the outcomes of calls with idempotency keys, and a process is ready after its migrations.
    expect(like(blueprint([], 'acme'), 'src/app.ts')).toContain('parts: [database],');
    const withoutPlugins = (code: string) =>
      code.replace(/^import \{ \w+ \} from '@rondo\/(?!service').*\n|^const plugins.*\n|, plugins/gm, '');
    expect(like({ ...blueprint([]), port: 50_051 }, 'src/main.ts').replaceAll('acme', 'calculator')).toBe(
      withoutPlugins(text('services/calculator/src/main.ts')),
    );
  });
});

describe('the files of a new service', () => {
  it('test the simplest method first', () => {
    const test = (methods: readonly MethodContract[]) =>
      /await expect\((.*)\)\.rejects/.exec(textOf(blueprint([service('acme.A', methods)]), 'test/acme.test.ts'))?.[1];
    const both = { requestStream: true, responseStream: true };
    expect(test([method('Chat', both), method('Get')])).toBe('client.get({})');
    expect(test([method('Watch', { responseStream: true })])).toBe('client.watch({})[Symbol.asyncIterator]().next()');
    expect(test([method('Sum', { requestStream: true })])).toBe('client.sum(nothing())');
    expect(test([method('Chat', both)])).toBe('client.chat(nothing())[Symbol.asyncIterator]().next()');
    expect(test([])).toBeUndefined();
    const ruled = { refusesEmpty: true };
    expect(test([method('Create', ruled), method('Get')])).toBe('client.get({})');
    expect(test([method('Create', ruled), method('Watch', { responseStream: true })])).toBe('client.create({})');
  });

  it('expect the refusal of an empty request if the rules of each method refuse it', () => {
    const text = textOf(
      blueprint([service('acme.A', [method('Create', { refusesEmpty: true })])]),
      'test/acme.test.ts',
    );
    expect(text).toMatch(
      /client\.create\(\{\}\)\)\.rejects\.toMatchObject\(\{\s*code: Status\.INVALID_ARGUMENT,\s*\}\)/,
    );
    expect(text).toContain(
      '// The rules refuse {}. A request that they accept is UNIMPLEMENTED until its handler is written.',
    );
  });

  it('test a refused and an allowed call if the contract has a scope', () => {
    const plain = blueprint([service('acme.A')], 'acme');
    const text = textOf({ ...plain, scope: 'acme.read' }, 'test/acme.test.ts');
    expect(text).toContain('const channel = createTestChannel({ ...app, authorize: true });');
    expect(text).toMatch(/client\.get\(\{\}, withScopes\(\)\)\)\.rejects[^;]*PERMISSION_DENIED[^;]*'acme\.read'/);
    expect(text).toMatch(/client\.get\(\{\}, withScopes\('acme\.read'\)\)\)\.rejects[^;]*UNIMPLEMENTED/);
    expect(textOf(plain, 'test/acme.test.ts')).not.toMatch(/authorize|withScopes|PERMISSION_DENIED/);
  });

  it('have one line for each stub, however many there are', () => {
    const methods = Array.from({ length: 150 }, (_, number) => method(`${'Long'.repeat(20)}${number}`));
    const text = textOf(blueprint([service('acme.A', methods)]), 'src/a.ts');
    expect(text.split('\n').length).toBeLessThan(170);
    expect(text).toContain(`  ${methods[149]?.key}: unwritten,\n};\n`);
  });

  it('have no stub and no extra import if there is no method', () => {
    const idle = blueprint([service('acme.A', [])]);
    expect(textOf(idle, 'src/a.ts')).not.toContain('unimplemented');
    expect(textOf(idle, 'test/acme.test.ts')).not.toContain('describe');
  });
});

describe('the wiring of a new service', () => {
  /** The lines of TypeScript that a service owns besides its handlers and tests. */
  const wiring = (drawn: Blueprint) =>
    renderService(drawn)
      .filter(([file]) => /\/src\/(?:app|config|main|adapters\/.*)\.ts$/.test(file))
      .reduce((lines, [, text]) => lines + text.trimEnd().split('\n').length, 0);

  it('has at most 60 lines with a database, and at most 20 without', () => {
    const services = [service('acme.v1.FirstService'), service('acme.v1.SecondService')];
    expect(wiring(blueprint(services, 'acme'))).toBeLessThanOrEqual(60);
    expect(wiring(blueprint(services.slice(0, 1)))).toBeLessThanOrEqual(20);
  });
});

describe('names of handlers', () => {
  const named = (...names: string[]) =>
    nameHandlers(names.map((name) => service(name))).map(({ names: { file, value } }) => `${file} ${value}`);

  it('are those of the services, without the suffix Service', () => {
    expect(named('reception.v1.ReceptionService', 'helloworld.Greeter')).toEqual([
      'reception reception',
      'greeter greeter',
    ]);
    expect(named('a.HTTPServer_v2', 'a.Service', 'a.my_echo_service')).toEqual([
      'http-server-v2 httpServerV2',
      'service service',
      'my-echo-service myEchoService',
    ]);
  });

  it('avoid one another, the other files and the language', () => {
    expect(named('a.Greeter', 'a.GreeterService', 'a.Greeter_Service', 'b.Greeter')).toEqual([
      'greeter greeter',
      'greeter-service greeterService',
      'greeter-handlers greeterHandlers',
      'b-greeter bGreeter',
    ]);
    expect(named('a.App', 'a.Main', 'a.Delete', 'a.Implement', 'a.AwaitService')).toEqual([
      'app-handlers app',
      'main-handlers main',
      'delete deleteHandlers',
      'implement implementHandlers',
      'await awaitService',
    ]);
    expect(named('a.Constructor', 'a.Escape')).toEqual(['constructor constructorHandlers', 'escape escapeHandlers']);
  });
});
