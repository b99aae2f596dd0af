import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { endExemption, exempt, readExemptions } from './buf-exemptions.js';
import { addToCompose, composeServices, removeFromCompose } from './compose-file.js';
import { addProject, removeProject } from './project-references.js';
import { addToPrometheus, PROMETHEUS, removeFromPrometheus } from './prometheus-file.js';
import { valueIn } from './yaml-file.js';

const repository = fileURLToPath(new URL('../../../../..', import.meta.url));
const text = (file: string) => readFileSync(path.join(repository, file), 'utf8');
/** The lines that only `after` has. Expects that all other lines are unchanged. */
function added(before: string, after: string): readonly string[] {
  const lines = before.split('\n');
  const fresh: string[] = [];
  for (const line of after.split('\n')) {
    if (line === lines[0]) lines.shift();
    else fresh.push(line);
  }
  expect(lines).toEqual([]);
  return fresh;
}

describe('docker-compose.yml', () => {
  const compose = text('docker-compose.yml');
  // A name and a port that no service has: these are the repository's own files.
  const entry = { service: 'order-history', port: 50_999, database: 'order_history' };

  it('adds a service in the style of the others, and removes it again', () => {
    const bare = { ...entry, database: undefined };
    const grown = addToCompose(compose, bare);
    const lines = added(compose, grown);
    const twin = /\n {2}registry:\n[\s\S]*?\n\n/.exec(compose)?.[0].split('\n') ?? [];
    const like = lines.map((line) => line.replaceAll('order-history', 'registry').replaceAll(/50(\}?)999/g, '50$1050'));
    expect(like).toEqual(expect.arrayContaining(twin.filter((line) => !/depends_on|RONDO_REGISTRY_SYSTEM/.test(line))));
    expect(removeFromCompose(grown, bare)).toBe(compose);
  });

  it('adds its database in a line of its own, and removes both again', () => {
    const grown = addToCompose(compose, entry);
    const lines = added(compose, grown);
    expect(lines).toContainEqual(
      expect.stringMatching(/^ {8}order_history:order_history:.\{ORDER_HISTORY_PASSWORD:-rondo\}$/),
    );
    expect(lines).toContain('      provision: { condition: service_completed_successfully }');
    expect(removeFromCompose(grown, entry)).toBe(compose);
    const second = { service: 'order-archive', port: 50_998, database: 'order_archive' };
    expect(removeFromCompose(addToCompose(grown, second), entry)).toBe(addToCompose(compose, second));
  });

  it('adds the first database to an empty list, and empties it again', () => {
    const none = compose.replace(/(RONDO_DATABASES: \|\n)(?: {8}\S+\n)+/, '$1');
    const grown = addToCompose(none, entry);
    expect(grown).toMatch(/RONDO_DATABASES: \|\n {8}order_history:order_history:.*\n {4}depends_on:\n/);
    expect(removeFromCompose(grown, entry)).toBe(none);
  });

  it('refuses if there is no place, or if other services depend on the service', () => {
    expect(() => addToCompose('services:\n  a: { image: a }\n', entry)).toThrow(/^docker-compose\.yml: has no service/);
    const flow = compose.replace(/RONDO_DATABASES: \|\n(?: {8}\S+\n)*/, 'RONDO_DATABASES: "a:a:a"\n');
    expect(() => addToCompose(flow, entry)).toThrow(/^docker-compose\.yml: RONDO_DATABASES of provision has no line/);
    const dependent = addToCompose(compose, entry)
      .replace(/( {2}order-history:\n[\s\S]*? {4}environment:)\n/, '$1 &history\n')
      .replace(/\n {2}order-history:\n[\s\S]*?\n\n/, '$&  lost: { image: postgres, environment: *history }\n\n');
    expect(() => removeFromCompose(dependent, entry)).toThrow(/^docker-compose\.yml: Unresolved alias .*: history/);
    expect(() => valueIn('docker-compose.yml', 'a: [\n')).toThrow(/^docker-compose\.yml:2: /);
  });

  it('removes everything that runs a service, with the comments above it', () => {
    const bare = { ...entry, database: undefined };
    const replica = `
  order-history-replica:
    <<: *history
    scale: 2
`;
    const replicated = addToCompose(compose, bare)
      .replace('\n  order-history:\n', '\n  # It scales.\n  order-history: &history\n')
      .replace(/"127.*50999"\]\n[^\n]*\n[^\n]*\n/, `$&${replica}`);
    expect(added(compose, replicated)).toEqual(expect.arrayContaining(['  # It scales.', '    scale: 2']));
    expect(removeFromCompose(replicated, bare)).toBe(compose);
  });

  it('finds the published ports', () => {
    expect(composeServices(repository)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'registry', file: 'docker-compose.yml', ports: [50_050] }),
        expect.objectContaining({ name: 'jaeger', file: 'infra/observe/compose.yml', ports: [50_091] }),
      ]),
    );
  });
});

describe('tsconfig.build.json', () => {
  const projects = text('tsconfig.build.json');

  it('adds a project, and removes it again', () => {
    const grown = addProject(projects, 'services/order-history');
    expect(JSON.parse(grown).references.at(-1)).toEqual({ path: 'services/order-history' });
    expect(removeProject(grown, 'services/order-history')).toBe(projects);
    expect(removeProject(projects, 'services/order-history')).toBe(projects);
    const first = '{ "references": [{ "path": "a" }, { "path": "b" }] }';
    expect(removeProject(first, 'a')).toBe('{ "references": [{ "path": "b" }] }');
  });

  it('refuses a file without a list', () => {
    expect(() => addProject('{}', 'services/order-history')).toThrow(/^tsconfig\.build\.json: has no "references"/);
  });
});

describe('buf.yaml', () => {
  // Without the exemptions of added services.
  const buf = endExemption(text('buf.yaml'), readExemptions(repository));

  it('exempts contracts by name, and ends the exemption again', () => {
    const one = exempt(buf, ['a/a.proto']);
    expect(added(buf, one)).toEqual(['  ignore:', '    - proto/a/a.proto # published elsewhere, keeps its style']);
    const two = exempt(one, ['a/a.proto', 'b/b.proto']);
    expect(added(one, two)).toEqual(['    - proto/b/b.proto # published elsewhere, keeps its style']);
    expect(endExemption(two, ['b/b.proto'])).toBe(one);
    expect(endExemption(two, ['a/a.proto', 'b/b.proto'])).toBe(buf);
  });

  it('keeps other exemptions', () => {
    const other = 'version: v2\nlint:\n  ignore:\n    - elsewhere\n';
    expect(endExemption(exempt(other, ['a/a.proto']), ['a/a.proto'])).toBe(other);
    expect(endExemption(other, ['a/a.proto'])).toBe(other);
  });

  it("refuses a list to which it can't add a line", () => {
    const flow = 'version: v2\nlint:\n  ignore: [elsewhere]\n';
    expect(() => exempt(flow, ['a/a.proto'])).toThrow(/^buf\.yaml: has no place under lint\.ignore/);
  });
});

describe('what Prometheus reads', () => {
  const given = text(PROMETHEUS);

  it('has a service that is added, and gives it back byte for byte', () => {
    const more = addToPrometheus(given, 'billing');
    expect(added(given, more)).toEqual(['          - billing']);
    expect(removeFromPrometheus(more, 'billing')).toBe(given);
    expect(removeFromPrometheus(given, 'calculator')).not.toContain('calculator');
    expect(removeFromPrometheus(given, 'sale')).toBe(given);
  });

  it('stays as it is if it has no names', () => {
    expect(addToPrometheus('global: {}\n', 'billing')).toBe('global: {}\n');
  });
});
