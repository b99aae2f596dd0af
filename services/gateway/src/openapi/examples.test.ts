import { type DescMessage, fromJson, type JsonValue } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { catalogueOf, ownFiles, wellKnownFiles } from '../../test/support/catalogues.js';
import { fileOf, get, post } from '../../test/support/files.js';
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
