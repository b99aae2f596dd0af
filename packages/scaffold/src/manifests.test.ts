import { describe, expect, it } from '@jest/globals';
import { Folder } from '../test/folder.js';
import { readManifests } from './manifests.js';

describe('manifests', () => {
  it('say what each service is', () => {
    using folder = new Folder({
      'services/notes/package.json': '{ "rondo": { "port": 50060, "contracts": ["a/a.proto"], "database": "notes" } }',
      'services/left/dist/main.js': '',
    });
    expect(readManifests(folder.path)).toEqual([
      { service: 'notes', port: 50_060, contracts: ['a/a.proto'], database: 'notes' },
    ]);
  });

  it.each([
    ['{"rondo": {"port": "1"}}', '"rondo" names no port and contracts; write them'],
    ['{', "can't be read: "],
  ])('that are none are refused by their file: %s', (text, why) => {
    using folder = new Folder({ 'services/odd/package.json': text });
    expect(() => readManifests(folder.path)).toThrow(`services/odd/package.json: ${why}`);
  });
});
