import { expect, it } from '@jest/globals';
import { Folder } from '../../test/scaffold/folder.js';
import { readManifest } from './manifests.js';

/** The manifest of a service with these fields. */
function manifestWith(more: object): ReturnType<typeof readManifest> {
  const manifest = { rondo: { port: 50_060, contracts: ['a/v1/a.proto'], ...more } };
  using workspace = new Folder({ 'services/a/package.json': JSON.stringify(manifest) });
  return readManifest('a', workspace.path);
}

const pageOf = (page: string) => manifestWith({ page }).page;

it('takes the path of a page, unless the gateway needs it', () => {
  expect(pageOf('book-shelf')).toBe('book-shelf');
  for (const page of ['console', 'v1', 'healthz', 'readyz', 'a/b', '..', 'Board', '']) {
    expect(() => pageOf(page)).toThrow('services/a/package.json: rondo.page must be the path of its page');
  }
});

it('says how a server in another language is started', () => {
  const join = { services: ['a.v1.A'], command: ['python3', 'server.py'] };
  expect(manifestWith({ join }).join).toEqual(join);
  for (const wrong of [{}, { ...join, services: [] }, { ...join, command: 'python3 server.py' }]) {
    expect(() => manifestWith({ join: wrong })).toThrow(
      'rondo.join must hold the services of the server and its command',
    );
  }
});
