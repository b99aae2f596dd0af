import { createFileRegistry, type DescService, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { compareContracts } from '../src/contract/compare.js';
import type { Difference } from '../src/contract/difference.js';
import { breaking, compile } from './compile.js';
import { cases, sourceOf } from './contract-cases.js';

const VERSIONS = ['before', 'after'] as const;
/** A deletion for buf is an addition in the other direction. */
const DELETION = /_NO_DELETE/;

const registries = new Map<string, FileRegistry>();
/** The rules of buf that a change breaks in either direction, by file name. */
const refused = new Map<string, Set<string>>();

beforeAll(async () => {
  const [before, after] = VERSIONS.map((version) =>
    Object.fromEntries(cases.map((one, index) => [`p${index}.proto`, sourceOf(one, version, `p${index}`)])),
  );
  if (before === undefined || after === undefined) throw new Error('there are two versions');
  registries.set('before', createFileRegistry(fromBinary(FileDescriptorSetSchema, await compile(before))));
  registries.set('after', createFileRegistry(fromBinary(FileDescriptorSetSchema, await compile(after))));
  for (const direction of [await breaking(before, after), await breaking(after, before)]) {
    for (const [file, rules] of direction) refused.set(file, new Set([...(refused.get(file) ?? []), ...rules]));
  }
});

function serviceOf(version: (typeof VERSIONS)[number], index: number): DescService {
  const service = registries.get(version)?.getService(`p${index}.S`);
  if (service === undefined) throw new Error(`p${index} has no service`);
  return service;
}

const isIncompatible = ({ kind }: Difference) => kind === 'incompatible';

describe('two versions of a contract', () => {
  it.each(cases.map((one, index) => ({ ...one, index })))('differ by $name', ({ index, says, apart }) => {
    const [before, after] = [serviceOf('before', index), serviceOf('after', index)];
    expect(compareContracts(before, after)).toEqual(says);
    const rules = [...(refused.get(`p${index}.proto`) ?? [])];
    const refusedByBuf = rules.some((rule) => apart !== undefined || !DELETION.test(rule));
    expect(refusedByBuf).toBe(says.some(isIncompatible) || apart === 'addition');
  });

  it.each(cases.map((one, index) => ({ ...one, index })))('agree with themselves: $name', ({ index }) => {
    expect(compareContracts(serviceOf('after', index), serviceOf('after', index))).toEqual([]);
  });

  it.each(cases.map((one, index) => ({ ...one, index })))(
    'are as far apart from the other side: $name',
    ({ index }) => {
      const [before, after] = [serviceOf('before', index), serviceOf('after', index)];
      const [there, back] = [compareContracts(before, after), compareContracts(after, before)];
      expect(back.filter(isIncompatible)).toHaveLength(there.filter(isIncompatible).length);
      expect(back.filter(({ kind }) => kind === 'added')).toHaveLength(
        there.filter(({ kind }) => kind === 'removed').length,
      );
    },
  );

  it('leave out the package of their service, and no other that ends like it', async () => {
    const source = (type: string) => ({
      'shop.proto':
        'syntax = "proto3"; package shop; import "my.proto"; service S { rpc Go(my.shop.M) returns (A); } message A {}',
      'my.proto': `syntax = "proto3"; package my.shop; message M { ${type} x = 1; }`,
    });
    const [before, after] = await Promise.all(
      ['int32', 'string'].map(async (type) => {
        const set = fromBinary(FileDescriptorSetSchema, await compile(source(type)));
        return createFileRegistry(set).getService('shop.S');
      }),
    );
    if (before === undefined || after === undefined) throw new Error('there is a service in both');
    const text = 'my.shop.M.x is string instead of int32 (field 1)';
    expect(compareContracts(before, after)).toEqual([{ kind: 'incompatible', text }]);
  });
});
