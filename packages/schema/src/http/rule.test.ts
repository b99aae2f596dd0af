import { create, createFileRegistry, type DescMethod, fromJson, type JsonObject } from '@bufbuild/protobuf';
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  file_google_protobuf_field_mask,
} from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { HttpRule } from '@rondo/contracts/google/api/http';
import { httpRuleOf } from './rule.js';

const text = (name: string, number: number) => ({ name, number, type: 'TYPE_STRING', label: 'LABEL_OPTIONAL' });
const of = (typeName: string, name: string, number: number) => ({
  ...text(name, number),
  type: 'TYPE_MESSAGE',
  typeName,
});

const FILE: JsonObject = {
  name: 'projects/v1/projects.proto',
  package: 'projects.v1',
  syntax: 'proto3',
  dependency: ['google/protobuf/field_mask.proto'],
  messageType: [
    { name: 'Project', field: [text('name', 1), text('title', 2), text('etag', 3)] },
    { name: 'GetProjectRequest', field: [text('name', 1)] },
    {
      name: 'UpdateProjectRequest',
      field: [of('.projects.v1.Project', 'project', 1), of('.google.protobuf.FieldMask', 'update_mask', 2)],
    },
    {
      name: 'CreateProjectRequest',
      field: [
        of('.projects.v1.Project', 'project', 1),
        { ...of('.projects.v1.Project', 'tasks', 2), label: 'LABEL_REPEATED' },
      ],
    },
  ],
  service: [
    {
      name: 'ProjectService',
      method: ['GetProject', 'UpdateProject', 'CreateProject', 'Sum'].map((name) => ({
        name,
        inputType: `.projects.v1.${name === 'Sum' ? 'GetProject' : name}Request`,
        outputType: '.projects.v1.Project',
        clientStreaming: name === 'Sum',
        options: {},
      })),
    },
  ],
};

const registry = createFileRegistry(
  create(FileDescriptorSetSchema, {
    file: [file_google_protobuf_field_mask.proto, fromJson(FileDescriptorProtoSchema, FILE)],
  }),
);

/** A method of the contract, with `rules` in place of its own. */
function methodWith(name: string, ...rules: readonly Partial<HttpRule>[]): DescMethod {
  const [type = '', short = ''] = name.split('/');
  const method = registry.getService(type)?.methods.find((one) => one.name === short);
  if (method?.proto.options === undefined) throw new Error(`no ${name}`);
  const $unknown = rules.map((rule) => {
    const bytes = HttpRule.encode(HttpRule.fromPartial(rule)).finish();
    return { no: 72295728, wireType: 2, data: Buffer.concat([varint(bytes.length), bytes]) };
  });
  return { ...method, proto: { ...method.proto, options: { ...method.proto.options, $unknown } } };
}

const varint = (value: number) => Buffer.from(value < 128 ? [value] : [(value & 127) | 128, value >> 7]);
const get = (value: string, more: Partial<HttpRule> = {}) =>
  HttpRule.fromPartial({ pattern: { $case: 'get', value }, ...more });
const post = (value: string, body = '', more: Partial<HttpRule> = {}) =>
  HttpRule.fromPartial({ pattern: { $case: 'post', value }, body, ...more });

const GET_PROJECT = 'projects.v1.ProjectService/GetProject';
const UPDATE_PROJECT = 'projects.v1.ProjectService/UpdateProject';
const CREATE_PROJECT = 'projects.v1.ProjectService/CreateProject';
const SUM = 'projects.v1.ProjectService/Sum';

describe('httpRuleOf', () => {
  it('reads a rule and its additional bindings', () => {
    const rule = get('/v1/{name=projects/*}', {
      additionalBindings: [
        post('/v1/projects:get', '*', { responseBody: 'etag' }),
        HttpRule.fromPartial({ pattern: { $case: 'custom', value: { kind: 'HEAD', path: '/v1/p/{name}' } } }),
      ],
    });
    const { bindings, faults } = httpRuleOf(methodWith(GET_PROJECT, rule));
    expect(faults).toEqual([]);
    expect(bindings.map(({ verb, template, body, responseBody }) => [verb, template.text, body, responseBody])).toEqual(
      [
        ['GET', '/v1/{name=projects/*}', '', ''],
        ['POST', '/v1/projects:get', '*', 'etag'],
        ['HEAD', '/v1/p/{name}', '', ''],
      ],
    );
  });

  it('reads a rule that is set in parts', () => {
    const { bindings } = httpRuleOf(methodWith(UPDATE_PROJECT, post('/v1/{project.name}'), { body: 'project' }));
    expect(bindings).toMatchObject([{ verb: 'POST', body: 'project' }]);
  });

  it('has nothing for a method without a rule', () => {
    expect(httpRuleOf(methodWith(GET_PROJECT))).toEqual({ bindings: [], faults: [] });
  });

  it.each([
    [GET_PROJECT, get('/v1/{nme}'), 'names no field: projects.v1.GetProjectRequest has no field "nme"; it has name'],
    [GET_PROJECT, get('/v1/{name.x}'), 'names a field of name, which is no message'],
    [UPDATE_PROJECT, post('/v1/{project}', '*'), 'names project, which is a whole message; name a field of it'],
    [UPDATE_PROJECT, post('/v1/{update_mask.paths}', '*'), 'names paths, which is a list; name a single value'],
    [CREATE_PROJECT, post('/v1/{tasks.name}', '*'), 'names tasks, which is a list'],
    [GET_PROJECT, get('/v1/{name'), 'character 10: a closing brace ends the variable'],
    [GET_PROJECT, HttpRule.fromPartial({}), 'no HTTP method'],
    [
      GET_PROJECT,
      HttpRule.fromPartial({ pattern: { $case: 'custom', value: { kind: 'get', path: '/v1/x' } } }),
      'capitals',
    ],
    [GET_PROJECT, get('/v1/x', { body: '*' }), 'GET has no body'],
    [UPDATE_PROJECT, post('/v1/x', 'projct'), 'body is "projct", but projects.v1.UpdateProjectRequest has no field'],
    [GET_PROJECT, post('/v1/{name}', 'name'), 'name is body and variable'],
    [
      GET_PROJECT,
      get('/v1/x', { responseBody: 'nme' }),
      'response_body is "nme", but projects.v1.Project has no field',
    ],
    [SUM, post('/v1/sum'), 'the request is a stream'],
    [GET_PROJECT, get('/healthz'), 'the gateway answers this path itself'],
    [
      GET_PROJECT,
      get('/v1/x', { additionalBindings: [get('/v1/y', { additionalBindings: [get('/v1/z')] })] }),
      'list them all in the rule itself',
    ],
  ])('refuses for %s the rule %#', (method, rule, reason) => {
    const { faults } = httpRuleOf(methodWith(method, rule));
    expect(faults).toEqual([expect.stringContaining(reason)]);
  });

  it('keeps a binding that leaves fields out, and says so: a third party has not asked this check', () => {
    const { bindings, faults } = httpRuleOf(methodWith(CREATE_PROJECT, post('/v1/projects', 'project')));
    expect(bindings).toMatchObject([{ template: { text: '/v1/projects' } }]);
    expect(faults).toEqual([expect.stringContaining('the field tasks is left for the query')]);
  });

  it('keeps the other bindings of a method that has a faulty one', () => {
    const { bindings, faults } = httpRuleOf(
      methodWith(GET_PROJECT, get('/v1/{nme}', { additionalBindings: [get('/v1/{name}')] })),
    );
    expect(bindings).toMatchObject([{ template: { text: '/v1/{name}' } }]);
    expect(faults).toHaveLength(1);
  });
});
