import { describe, expect, it } from '@jest/globals';
import { parseTemplate, segmentsOf, TemplateError, variablesOf } from './template.js';

describe('parseTemplate', () => {
  it('reads segments, variables and the verb', () => {
    expect(parseTemplate('/v1/{project.name=projects/*}/x/**:watch')).toEqual({
      text: '/v1/{project.name=projects/*}/x/**:watch',
      segments: [
        { kind: 'literal', text: 'v1' },
        { kind: 'literal', text: 'projects' },
        { kind: 'one' },
        { kind: 'literal', text: 'x' },
        { kind: 'rest' },
      ],
      variables: [{ field: 'project.name', from: 1, to: 3 }],
      verb: 'watch',
    });
  });

  it.each([
    ['', 1, 'begins with /'],
    ['v1', 1, 'begins with /'],
    ['/', 2, 'a segment is'],
    ['/v1/', 5, 'a segment is'],
    ['/v1//x', 5, 'a segment is'],
    [`/**${'/*'.repeat(50)}`, 103, 'at most 50 segments'],
    ['/**/x/{a=**}', 12, '** only once'],
    ['/{a={b}}', 5, 'must not contain another'],
    ['/{a', 4, 'closing brace'],
    ['/{}', 3, 'field path'],
    ['/{a.}', 4, 'closing brace'],
    ['/{a=}', 5, 'a segment is'],
    ['/{a}/{a}', 7, 'has a variable already'],
    ['/a:', 4, 'a verb'],
    ['/a:b:c', 5, 'a template ends here'],
    ['/a:b/c', 5, 'a template ends here'],
    ['/a b', 3, 'a template ends here'],
    ['/%41', 2, 'a segment is'],
    ['/a/../b', 4, 'clients remove'],
    ['/***', 4, 'a template ends here'],
  ])('refuses %j at character %i', (text, character, reason) => {
    const error = errorOf(() => parseTemplate(text));
    expect(error).toBeInstanceOf(TemplateError);
    expect(String(error)).toContain(`character ${character}: `);
    expect(String(error)).toContain(reason);
  });
});

describe('variablesOf', () => {
  it.each([
    ['/v1/{name}', '/v1/a%2Fb%20c', { name: 'a/b c' }],
    ['/v1/{name=projects/*}', '/v1/projects/a%2Fb%20c', { name: 'projects/a%2Fb c' }],
    ['/v1/{name=**}', '/v1/x/%c3%a9/y', { name: 'x/é/y' }],
    ['/v1/{name=**}', '/v1/x%2fy', { name: 'x%2fy' }],
    ['/v1/{name=**}', '/v1', { name: '' }],
    ['/v1/{a}/{b=x/*}', '/v1/1/x/2', { a: '1', b: 'x/2' }],
  ])('decodes %s from %s', (template, path, values) => {
    const found = variablesOf(parseTemplate(template), segmentsOf(path));
    expect(Object.fromEntries(found ?? [])).toEqual(values);
  });

  it.each(['/v1/%zz', '/v1/%ff', '/v1/%'])('refuses %s, which is no UTF-8', (path) => {
    expect(variablesOf(parseTemplate('/v1/{name}'), segmentsOf(path))).toBeUndefined();
  });
});

function errorOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
