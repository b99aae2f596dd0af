import type { FileDescriptorProto } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { catalogueOf, ownFiles, wellKnownFiles } from '../../test/support/catalogues.js';
import {
  type Fields,
  fileOf,
  get,
  httpBodyFile,
  type MethodSpec,
  message as messageOf,
  post,
} from '../../test/support/files.js';
import { setQuery } from '../http-json/query.js';
import { createOpenApi, openApiDocument } from './document.js';
import type { OpenApiDocument } from './model.js';

const validator = new Validator();

/** Refuses a document that OpenAPI's own schemas refuse, or one with references to nothing. */
async function validate(document: OpenApiDocument): Promise<void> {
  const json: Record<string, unknown> = JSON.parse(JSON.stringify(document));
  const { valid, errors } = await validator.validate(json);
  expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
  const references = JSON.stringify(document).match(/(?<="\$ref":"#\/components\/)[^"]+/g) ?? [];
  const { schemas, responses } = document.components;
  const present = [
    ...Object.keys(schemas).map((name) => `schemas/${name}`),
    ...Object.keys(responses).map((name) => `responses/${name}`),
  ];
  expect(references.filter((name) => !present.includes(name))).toEqual([]);
}

const operationsOf = ({ paths }: OpenApiDocument) =>
  Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([verb, operation]) => ({ at: `${verb} ${path}`, ...operation })),
  );

const find = (document: OpenApiDocument, at: string) => {
  const operation = operationsOf(document).find((one) => one.at === at);
  if (operation === undefined) throw new Error(`there is no ${at}`);
  return operation;
};

const parametersAt = (document: OpenApiDocument, at: string) =>
  (find(document, at).parameters ?? []).map(({ name, in: place }) => `${place} ${name}`);

const documentOf = (...files: readonly FileDescriptorProto[]) =>
  openApiDocument(catalogueOf([...wellKnownFiles, ...files]));

const NAME = { name: 'string' };

const own = catalogueOf(ownFiles());

describe('the document of the contracts of this repository', () => {
  const document = openApiDocument(own);

  it('is valid', () => validate(document));

  it('gives each operation an id of its own, a tag and a summary that is a sentence', () => {
    const operations = operationsOf(document);
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = document.tags.map(({ name }) => name);
    const odd = operations.filter(
      ({ summary, tags: [tag = ''] }) => !/^[A-Z].*[.]$/.test(summary) || !tags.includes(tag),
    );
    expect(odd).toEqual([]);
    expect(document.tags.filter(({ description = '' }) => description === '')).toEqual([]);
  });

  it('names paths and queries as HTTP/JSON reads them', () => {
    for (const { at, operationId, parameters = [] } of operationsOf(document)) {
      const [verb = '', path = ''] = at.split(' ');
      if (/^\/[\w.]+\/\w+$/.test(path) && path.includes('.')) continue; // a call by Connect
      const found = own.route(verb.toUpperCase(), path.replace(/\{(\w+)\}/g, '$1-7'));
      if (found === undefined || 'allow' in found) throw new Error(`${at} leads to nothing`);
      const { desc } = found.target;
      expect(operationId).toMatch(new RegExp(`^${desc.parent.name}_${desc.name}\\d*$`));
      const query = parameters.filter((one) => one.in === 'query').map(({ name }) => [name, '1'] as const);
      expect(setQuery({}, desc.input, { query, body: found.binding.body })).toEqual([]);
      const variables = parameters.filter((one) => one.in === 'path').map(({ name }) => `${name}-7`);
      expect([...found.variables.values()].join('/').split('/')).toEqual(expect.arrayContaining(variables));
    }
  });

  it('has every public method', () => {
    const methods = own.services.flatMap((service) => service.methods);
    const ids = new Set(operationsOf(document).map(({ operationId }) => operationId));
    const missing = methods.filter(({ desc }) => !ids.has(`${desc.parent.name}_${desc.name}`));
    expect(missing.map(({ method }) => method.path)).toEqual([]);
  });
});

describe('the document of projects', () => {
  const document = openApiDocument(own);

  it('has the path, the query and the headers that HTTP/JSON takes', () => {
    expect(parametersAt(document, 'patch /v1/projects/{project}')).toEqual([
      'path project',
      'query updateMask',
      'header If-Match',
    ]);
    expect(parametersAt(document, 'get /v1/projects/{project}')).toEqual(['path project', 'header If-None-Match']);
    expect(parametersAt(document, 'post /v1/projects')).toEqual(['header Idempotency-Key']);
    expect(parametersAt(document, 'post /v1/members')).toEqual(['query requestId', 'header Idempotency-Key']);
    expect(parametersAt(document, 'delete /v1/members/{member}')).toEqual([
      'path member',
      'query etag',
      'header If-Match',
    ]);
    expect(parametersAt(document, 'get /v1/members/{member}/weeks')).toEqual([
      'path member',
      'query startDate.year',
      'query startDate.month',
      'query startDate.day',
      'query weekCount',
    ]);
    expect(parametersAt(document, 'get /v1/projects/{project}:watch')).toEqual([
      'path project',
      'query resumeToken',
      'header Last-Event-ID',
    ]);
  });

  it('requires of a PATCH no field, and of a POST none that the path fills', () => {
    const patch = find(document, 'patch /v1/projects/{project}').requestBody?.content['application/json']?.schema;
    expect(patch?.properties).toHaveProperty('title');
    expect(patch).not.toHaveProperty('required');
    expect(find(document, 'post /v1/projects/{project}:undelete')).not.toHaveProperty('requestBody');
    const batch = find(document, 'post /v1/projects/{project}/tasks:batchCreate').requestBody?.content[
      'application/json'
    ];
    expect(batch?.schema.properties).not.toHaveProperty('parent');
  });

  it('says of fields what the contract says', () => {
    expect(document.components.schemas['projects.v1.Project']).toMatchObject({
      required: ['title'],
      properties: {
        name: { readOnly: true, description: '`projects/{id}`, set by the server.' },
        createTime: { type: 'string', format: 'date-time' },
        startDate: { $ref: '#/components/schemas/google.type.Date', description: 'A whole date: year, month and day.' },
      },
    });
  });
});

describe('schemas', () => {
  const message = (fields: Fields, spec: MethodSpec = {}) => {
    const document = documentOf(fileOf('a.v1.S', { M: { rule: post('/v1/m'), fields, ...spec } }));
    return { document, schemas: document.components.schemas };
  };

  it('follow proto3 JSON', async () => {
    const { document, schemas } = message({
      long: 'sint64',
      small: 'uint32',
      bytes: 'bytes',
      list: 'bool[]',
      duration: '.google.protobuf.Duration',
      mask: '.google.protobuf.FieldMask',
      any: '.google.protobuf.Any',
      object: '.google.protobuf.Struct',
      wrapped: '.google.protobuf.Int64Value',
      snake_case: 'string|choice',
      other: 'double|choice',
    });
    await validate(document);
    expect(schemas['a.v1.MMessage']).toMatchObject({
      description: 'At most one of `snakeCase`, `other` is set.',
      properties: {
        long: { type: 'string', format: 'int64' },
        small: { type: 'integer', format: 'uint32', minimum: 0 },
        bytes: { type: 'string', contentEncoding: 'base64' },
        list: { type: 'array', items: { type: 'boolean' } },
        duration: { type: 'string', pattern: '^-?\\d+(\\.\\d{1,9})?s$' },
        mask: { type: 'string' },
        any: { $ref: '#/components/schemas/google.protobuf.Any' },
        object: { type: 'object', additionalProperties: true },
        wrapped: { type: ['string', 'null'], format: 'int64' },
        snakeCase: { type: 'string' },
        other: { oneOf: [{ type: 'number' }, { enum: ['NaN', 'Infinity', '-Infinity'] }] },
      },
    });
  });

  it('have maps, and messages that hold themselves', async () => {
    const entry = { ...messageOf('MapEntry', { key: 'string', value: '.a.v1.Tree' }), options: { mapEntry: true } };
    const tree = { ...messageOf('Tree', { map: '.a.v1.Tree.MapEntry[]' }), nestedType: [entry] };
    const document = documentOf(fileOf('a.v1.S', { M: { fields: { tree: '.a.v1.Tree' } } }, { messages: [tree] }));
    await validate(document);
    const reference = { $ref: '#/components/schemas/a.v1.Tree' };
    expect(document.components.schemas['a.v1.Tree']).toMatchObject({
      properties: { map: { type: 'object', additionalProperties: reference } },
    });
  });

  it('have numbers for the 64-bit integers of a method with int64_as_number, and text for others with the same message', () => {
    const { document, schemas } = message({ a: 'int64' }, { policy: { int64AsNumber: true } });
    expect(schemas['a.v1.MMessage-numbers']).toMatchObject({ properties: { a: { type: 'integer', format: 'int64' } } });
    expect(find(document, 'post /v1/m').requestBody?.content).toMatchObject({
      'application/json': { schema: { $ref: '#/components/schemas/a.v1.MMessage-numbers' } },
    });
  });
});

describe('operations', () => {
  it('have a method without a binding as Connect serves it, and leave out streams with a note', async () => {
    const document = documentOf(fileOf('a.v1.S', { Get: {}, Watch: { streams: true } }));
    await validate(document);
    expect(operationsOf(document).map(({ at }) => at)).toEqual(['post /a.v1.S/Get']);
    expect(find(document, 'post /a.v1.S/Get').responses).toMatchObject({
      default: { $ref: '#/components/responses/ConnectError' },
    });
    expect(document.info.description).toContain('`a.v1.S/Watch` has streams, and no path for HTTP/JSON.');
  });

  it('have streams as JSON lines and as server-sent events', () => {
    const document = documentOf(fileOf('a.v1.S', { Watch: { streams: true, rule: get('/v1/watch') } }));
    const { 200: success } = find(document, 'get /v1/watch').responses;
    expect(success).toMatchObject({ content: { 'application/x-ndjson': {}, 'text/event-stream': {} } });
  });

  it('have a stream of requests as JSON lines', async () => {
    const document = documentOf(fileOf('a.v1.S', { Sum: { uploads: true, rule: post('/v1/sum') } }));
    await validate(document);
    expect(find(document, 'post /v1/sum')).toMatchObject({
      requestBody: { required: true, content: { 'application/x-ndjson': {} } },
      responses: { 200: { content: { 'application/json': {} } } },
    });
  });

  it('have the data of a google.api.HttpBody as any content', async () => {
    const fields = { ...NAME, file: '.google.api.HttpBody' };
    const spec = { rule: { ...post('/v1/{name=files/*}'), body: 'file', responseBody: 'file' }, fields };
    const service = fileOf('a.v1.S', { Put: spec }, { file: { dependency: [httpBodyFile.name] } });
    const document = documentOf(httpBodyFile, service);
    await validate(document);
    const content = { '*/*': { schema: { contentMediaType: 'application/octet-stream' } } };
    expect(find(document, 'post /v1/files/{file}')).toMatchObject({
      requestBody: { content },
      responses: { 200: { content } },
    });
  });

  it('have in the query what a query can hold, nested too, and without an end only once', async () => {
    const page = { size: '.google.protobuf.Int32Value', next: '.a.v1.Page', extra: '.google.protobuf.Struct' };
    const fields = { after: '.google.protobuf.Timestamp', tags: 'string[]', page: '.a.v1.Page' };
    const methods = { List: { rule: get('/v1/x'), fields } };
    const document = documentOf(fileOf('a.v1.S', methods, { messages: [messageOf('Page', page)] }));
    await validate(document);
    expect(find(document, 'get /v1/x').parameters).toEqual([
      { name: 'after', in: 'query', schema: { type: 'string', format: 'date-time' } },
      { name: 'tags', in: 'query', schema: { type: 'array', items: { type: 'string' } } },
      { name: 'page.size', in: 'query', schema: { type: 'integer', format: 'int32' } },
    ]);
  });

  it('have a bounded number of parameters', () => {
    const fields = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`f${index}`, 'string']));
    const document = documentOf(fileOf('a.v1.S', { List: { rule: get('/v1/x'), fields } }));
    expect(find(document, 'get /v1/x').parameters).toHaveLength(200);
  });

  it('are distinct although a variable holds the literals of another', async () => {
    const document = documentOf(
      fileOf('a.v1.S', {
        Get: { rule: get('/v1/{name=projects/*}'), fields: NAME },
        Estimate: { rule: get('/v1/{name=projects/*}:estimate'), fields: NAME },
        Create: { rule: post('/v1/projects/{name}'), fields: NAME },
      }),
    );
    await validate(document);
    expect(operationsOf(document).map(({ at }) => at)).toEqual([
      'get /v1/projects/{project}',
      'post /v1/projects/{project}',
      'get /v1/projects/{project}:estimate',
    ]);
  });

  it('leave out a route that OpenAPI can’t tell from another one, or can’t describe, with a note', async () => {
    const document = documentOf(
      fileOf('a.v1.S', {
        One: { rule: get('/v1/{name=*}'), fields: NAME },
        Rest: { rule: get('/v1/{name=**}'), fields: NAME },
        Purge: { rule: { pattern: { $case: 'custom', value: { kind: 'PURGE', path: '/v1/p' } } }, fields: NAME },
      }),
    );
    await validate(document);
    expect(operationsOf(document).map(({ operationId }) => operationId)).toEqual(['S_One']);
    expect(document.info.description).toContain('- `GET /v1/{name=**}` of `a.v1.S/Rest`');
    expect(document.info.description).toContain('- `PURGE /v1/p` of `a.v1.S/Purge`');
  });

  it('leave out a route that is switched off, as another service has it', () => {
    const document = documentOf(
      fileOf('a.v1.S', { Get: { rule: get('/v1/x') } }),
      fileOf('b.v1.S', { Get: { rule: get('/v1/x') } }),
    );
    expect(operationsOf(document).map(({ tags }) => tags)).toEqual([['a.v1.S']]);
    expect(document.info.description).toContain(
      '`GET /v1/x` of `b.v1.S/Get` is switched off: a.v1.S/Get has the same path.',
    );
  });

  it('have the package in their ids if another service has the same name', () => {
    const document = documentOf(fileOf('a.v1.S', { Get: {} }), fileOf('a.v2.S', { Get: {} }));
    expect(operationsOf(document).map(({ operationId }) => operationId)).toEqual(['S_Get', 'a_v2_S_Get']);
  });
});

describe('createOpenApi', () => {
  it('makes the document once a revision, with the same tag for the same content', () => {
    let revision = 1;
    let made = 0;
    const { services, routes } = catalogueOf([...wellKnownFiles, fileOf('a.v1.S', { Get: {} })]);
    const openApi = createOpenApi({
      routes,
      get services() {
        made += 1;
        return services;
      },
      get revision() {
        return revision;
      },
    });
    const first = openApi();
    expect(made).toBe(1);
    expect(openApi()).toBe(first);
    revision = 2;
    expect(openApi()).not.toBe(first);
    expect(openApi().etag).toBe(first.etag);
  });
});
