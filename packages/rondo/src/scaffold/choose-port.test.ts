import { describe, expect, it } from '@jest/globals';
import { Folder } from '../../test/scaffold/folder.js';
import { ownServices, readManifests, serviceNames } from '../workspace/manifests.js';
import { choosePort } from './create-service.js';

describe('manifests', () => {
  it('describe each service', () => {
    using folder = new Folder({
      'services/notes/package.json': '{ "rondo": { "port": 50060, "contracts": ["a/a.proto"], "database": "notes" } }',
      'services/left/dist/main.js': '',
    });
    expect(readManifests(ownServices(folder.path), folder.path)).toEqual([
      { service: 'notes', port: 50_060, instances: 1, contracts: ['a/a.proto'], database: 'notes' },
    ]);
  });

  it('are those of packages, too, in an app that installs its gateway', () => {
    using folder = new Folder({
      'docker-compose.yml': 'services:\n',
      'package.json': '{"dependencies": {"@rondo/gateway": "1.2.3", "@rondo/rpc": "1.2.3", "absent": "1.0.0"}}',
      'node_modules/@rondo/gateway/package.json':
        '{ "rondo": { "port": 50060, "public": { "port": 8080, "offset": 11, "variable": "RONDO_LISTEN" }, "contracts": ["a/a.proto"] } }',
      'node_modules/@rondo/rpc/package.json': '{}',
      'services/notes/package.json': '{ "rondo": { "port": 50062, "contracts": ["b/b.proto"] } }',
    });
    expect(serviceNames(folder.path)).toEqual(['gateway', 'notes']);
    expect(choosePort(folder.path, readManifests(serviceNames(folder.path), folder.path))).toBe(50_063);
  });

  it.each([
    ['{"rondo": {"port": "1"}}', 'rondo.port must be a port, such as 50060'],
    ['{', 'Expected property name'],
  ])('that are invalid are refused with their file: %s', (text, why) => {
    using folder = new Folder({ 'services/odd/package.json': text });
    expect(() => readManifests(ownServices(folder.path), folder.path)).toThrow(`services/odd/package.json: ${why}`);
  });
});

it('a port belongs to one service', () => {
  using folder = new Folder({
    'docker-compose.yml': 'services:\n  proxy:\n    ports: ["127.0.0.1:50061:80"]\n',
  });
  const manifests = [{ service: 'taken', port: 50_060, contracts: [], database: undefined }];
  const choose = (port?: number) => choosePort(folder.path, manifests, port);
  expect(choose()).toBe(50_062);
  expect(choose(50_070)).toBe(50_070);
  expect(() => choose(50_060)).toThrow('port 50060 belongs to taken; take another, such as 50062');
  expect(() => choose(50_061)).toThrow('port 50061 belongs to proxy');
  expect(() => choose(50_059)).toThrow('port 50059 belongs to the embedded PostgreSQL');
  for (const port of [8080, 65_536]) expect(() => choose(port)).toThrow(`port ${port} can't be the port of a service`);
});

it('the ports of a gateway belong to it: its own, the public one, and the public one next to another base port', () => {
  using folder = new Folder({
    'docker-compose.yml': 'services:\n',
    'services/gateway/package.json':
      '{ "rondo": { "port": 50061, "public": { "port": 8080, "offset": 12, "variable": "RONDO_LISTEN" }, "contracts": ["a/a.proto"] } }',
  });
  const manifests = readManifests(ownServices(folder.path), folder.path);
  const choose = (port?: number) => choosePort(folder.path, manifests, port);
  for (const port of [50_061, 50_062, 8080]) expect(() => choose(port)).toThrow(`port ${port} belongs to gateway`);
  const taken = { service: 'taken', port: 50_060, contracts: [], database: undefined };
  expect(choosePort(folder.path, [...manifests, taken])).toBe(50_063);
});
