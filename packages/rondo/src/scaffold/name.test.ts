import { describe, expect, it } from '@jest/globals';
import { Folder } from '../../test/scaffold/folder.js';
import { checkName, checkNameFree } from './name.js';

describe('a name', () => {
  it.each(['greeter', 'order-history', 'a1-2b', 'x'.repeat(40)])('may be %s', (name) => {
    expect(() => checkName(name)).not.toThrow();
  });

  it.each(['', 'Greeter', '1st', 'a_b', 'a--b', '-a', 'a-', 'a/b', '..', 'größe'])('may not be "%s"', (name) => {
    expect(() => checkName(name)).toThrow(`"${name}" isn't a valid service name; use lower-case words`);
  });

  it('may not be long or have another meaning', () => {
    expect(() => checkName('x'.repeat(41))).toThrow('has 41 characters; use at most 40');
    for (const name of ['registry', 'postgres', 'provision', 'gateway', 'dist', 'google']) {
      expect(() => checkName(name)).toThrow(`"${name}" has another meaning in a workspace`);
    }
  });

  it('may not be like that of an instance', () => {
    expect(() => checkName('sales-2')).toThrow(
      '"sales-2" is like the name of an instance; let it not end with a number',
    );
  });

  it('is unique in the repository', () => {
    using folder = new Folder({
      'services/taken/package.json': '{}',
      'packages/rpc/package.json': '{}',
      'docker-compose.yml': 'services:\n  proxy:\n    image: proxy\n',
    });
    const check = (name: string) => () => checkNameFree(folder.path, name);
    expect(check('taken')).toThrow(
      'services/taken: the folder exists already; choose another name, or remove the folder',
    );
    expect(check('rpc')).toThrow('packages/rpc: the folder exists already');
    expect(check('proxy')).toThrow('docker-compose.yml:2: "proxy" is in compose already');
    expect(check('greeter')).not.toThrow();
  });
});
