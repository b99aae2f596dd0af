import { type DescMessage, fromJson, type JsonValue } from '@bufbuild/protobuf';
import type { FileDescriptorProto } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { catalogueOf, ownFiles, wellKnownFiles } from '../../test/support/catalogues.js';
import { fileOf, get, message, post } from '../../test/support/files.js';
import { openApiDocument } from './document.js';

/** Why a body isn't one of a message; undefined if it is. */
function whyUnread(desc: DescMessage, body: JsonValue): unknown {
  try {
    fromJson(desc, body);
    return undefined;
  } catch (error) {
    return error;
  }
}

const own = catalogueOf(ownFiles());

describe('the examples of the contracts of this repository', () => {
  it('are messages, with short values', () => {
    const operations = Object.values(openApiDocument(own).paths).flatMap((item) => Object.values(item));
    for (const { operationId, requestBody } of operations) {
      const content = requestBody?.content['application/json'];
      if (content === undefined) continue;
      const name = operationId.split('_').at(-1)?.replace(/\d+$/, '');
      const methods = own.services.flatMap((service) => service.methods).filter(({ desc }) => desc.name === name);
      const bodies = methods.flatMap(({ desc: { input } }) => [
        input,
        ...input.fields.flatMap((one) => one.message ?? []),
      ]);
      const read = bodies.filter((desc) => whyUnread(desc, content.example ?? null) === undefined);
      expect([operationId, read.length > 0]).toEqual([operationId, true]);
      expect(JSON.stringify(content.example)).not.toMatch(/\d{20}|_UNSPECIFIED/);
    }
  });
});

describe('the document of a contract', () => {
  const names = (count: number) => Array.from({ length: count }, (_, index) => `M${index}`);
  const all = <T>(one: T, count: number) => Object.fromEntries(names(count).map((name) => [`f${name}`, one]));

  it('has its messages, in whatever ways and however deep they hold each other', () => {
    const each = Object.fromEntries(names(20).map((name) => [name.toLowerCase(), `.a.v1.${name}`]));
    const web = names(20).map((name) => message(name, each));
    const chain = names(8_000).map((_, at) =>
      message(`C${at}`, at < 7_999 ? { next: `.a.v1.C${at + 1}` } : { n: 'int64' }),
    );
    const methods = {
      Find: { rule: get('/v1/m'), input: 'M0' },
      Go: { rule: post('/v1/c'), input: 'C0', policy: { int64AsNumber: true } },
    };
    const file = fileOf('a.v1.S', methods, { messages: [...web, ...chain] });
    const { components } = openApiDocument(catalogueOf([...wellKnownFiles, file]));
    expect(Object.keys(components.schemas).filter((name) => /^a\.v1\.C\d+-numbers$/.test(name))).toHaveLength(8_000);
  });

  it('has no more methods than their fields allow', () => {
    const rule = { ...post('/v1/{fM0}'), additionalBindings: names(800).map((name) => post(`/v1/${name}/{fM0}`)) };
    const file = fileOf('a.v1.S', { Post: { rule, fields: all('string', 800) } });
    const document = openApiDocument(catalogueOf([...wellKnownFiles, file]));
    expect(JSON.stringify(document).length).toBeLessThan(2_000_000);
    expect(document.info.description).toContain('Further methods of `a.v1`');
  });

  it.each<[string, FileDescriptorProto]>([
    ['1001 methods, and may have 1000', fileOf('a.v1.S', all({ input: 'M' }, 1_001), { messages: [message('M', {})] })],
    [
      '1001 HTTP bindings, and may have 1000',
      fileOf('a.v1.S', {
        Get: { rule: { ...get('/v1'), additionalBindings: names(1_000).map((name) => get(`/v1/${name}`)) } },
      }),
    ],
    [
      '10001 fields in a.v1.GetMessage, and may have 10000',
      fileOf('a.v1.S', { Get: { fields: all('string', 10_001) } }),
    ],
  ])('is none if it has %s', (what, file) => {
    expect(() => catalogueOf([...wellKnownFiles, file])).toThrow(new RangeError(`it has ${what}; split it`));
  });
});

describe('examples', () => {
  const fields = {
    count: 'int64',
    one: 'string|choice',
    other: 'int64|choice',
    lasts: '.google.protobuf.Duration',
  };
  const methods = { Post: { rule: post('/v1/{one}'), fields }, Call: { fields }, Find: { rule: get('/v1/f'), fields } };
  const { paths, components } = openApiDocument(catalogueOf([...wellKnownFiles, fileOf('a.v1.S', methods)]));
  const exampleAt = (path: string) => paths[path]?.['post']?.requestBody?.content['application/json']?.example;

  it('have one of each oneof, nothing that the path has, and short integers', () => {
    expect(exampleAt('/a.v1.S/Call')).toEqual({ count: '1', one: '', lasts: '1.5s' });
    expect(exampleAt('/v1/{one}')).toEqual({ count: '1', lasts: '1.5s' });
    const { properties } = components.schemas['a.v1.CallMessage'] ?? {};
    expect(properties).toMatchObject({ count: { examples: ['1'] }, lasts: { examples: ['1.5s'] } });
  });

  it('are not in parameters, where a page would send them', () => {
    expect(JSON.stringify(paths['/v1/f'])).toContain('"in":"query"');
    expect(JSON.stringify(paths['/v1/f']?.['get']?.parameters)).not.toContain('examples');
  });
});
