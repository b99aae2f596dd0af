import path from 'node:path';
import { expect, it } from '@jest/globals';
import { root } from '../../test/scaffold/folder.js';
import { addResource } from './new-resource.js';

it.each([
  ['request', /declared multiple times/],
  ['project', /takes the same paths as POST \/v1\/projects of /],
])(
  'a resource "%s", whose contract is refused, is to have another name: the user has no contract to correct',
  async (name, why) => {
    const { signal } = new AbortController();
    const tool = path.join(root, 'packages/rondo');
    const progress = { step: async <T>(_: string, work: () => T | Promise<T>) => work() };
    const tree = { root, tool, signal, progress, isCommitted: false, written: new Map() };
    const added = addResource({ ...tree, service: 'sales', name, fields: '', parent: undefined });
    const printed = await added.then(() => 'added', String);
    expect(printed).toMatch(why);
    expect(printed).toMatch(
      /^Refusal: the resource \w+ would have a contract that is refused \(.*\); choose another name for the resource or the field$/s,
    );
  },
);
