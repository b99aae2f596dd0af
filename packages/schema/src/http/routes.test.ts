import { describe, expect, it } from '@jest/globals';
import { findConflicts, isReserved, shapeOf } from './conflicts.js';
import { createRoutes, type RouteEntry } from './routes.js';
import { parseTemplate } from './template.js';

/** Routes of texts such as `GET /v1/{name}`; each is its own target. */
const routesOf = (...texts: readonly string[]) => createRoutes(texts.map((text) => entry(text)));

function entry(text: string, method = `/s/${text}`): RouteEntry<string> {
  const [verb = '', path = ''] = text.split(' ');
  return { method, target: text, binding: { verb, template: parseTemplate(path), body: '', responseBody: '' } };
}

function target(routes: ReturnType<typeof routesOf>, request: string): unknown {
  const [verb = '', path = ''] = request.split(' ');
  const found = routes.match(verb, path);
  return found !== undefined && 'target' in found ? found.target : found;
}

describe('createRoutes', () => {
  const routes = routesOf(
    'GET /v1/{name=projects/*}',
    'GET /v1/projects',
    'GET /v1/{name=projects/*}:watch',
    'GET /v1/projects/latest',
    'GET /v1/{parent=projects/*}/tasks',
    'GET /v1/projects/latest/{id}',
    'GET /v1/{rest=**}',
    'POST /v1/projects',
    'POST /v1/projects:import',
    'PATCH /v1/{project.name=projects/*}',
    'OPTIONS /v1/projects',
  );

  it.each([
    ['GET /v1/projects/7', 'GET /v1/{name=projects/*}'],
    ['GET /v1/projects', 'GET /v1/projects'],
    ['GET /v1/projects/latest', 'GET /v1/projects/latest'],
    ['GET /v1/projects/latest/tasks', 'GET /v1/projects/latest/{id}'],
    ['GET /v1/projects/7/tasks', 'GET /v1/{parent=projects/*}/tasks'],
    ['GET /v1/projects/7:watch', 'GET /v1/{name=projects/*}:watch'],
    ['GET /v1/projects/a:b:watch', 'GET /v1/{name=projects/*}:watch'],
    ['GET /v1/projects/7:other', 'GET /v1/{name=projects/*}'],
    ['GET /v1/projects/7:', 'GET /v1/{name=projects/*}'],
    ['GET /v1/projects/', 'GET /v1/{rest=**}'],
    ['GET /v1/projects/7/other', 'GET /v1/{rest=**}'],
    ['GET /v1', 'GET /v1/{rest=**}'],
    ['HEAD /v1/projects/7', 'GET /v1/{name=projects/*}'],
    ['POST /v1/projects:import', 'POST /v1/projects:import'],
    ['POST /v1/projects', 'POST /v1/projects'],
    ['GET /v2', undefined],
    ['GET /v1/projects/%zz', undefined],
  ])('%s → %s', (request, expected) => {
    expect(target(routes, request)).toBe(expected);
  });

  it('gives the variables of a path, decoded', () => {
    const found = routes.match('GET', '/v1/projects/b%C3%BCro/tasks');
    expect(found).toMatchObject({ variables: new Map([['parent', 'projects/büro']]) });
  });

  it('gives the HTTP methods of a path that is known with others', () => {
    expect(routes.match('DELETE', '/v1/projects')).toEqual({ allow: ['GET', 'HEAD', 'OPTIONS', 'POST'] });
    expect(routes.match('PUT', '/v1/projects:import')).toEqual({ allow: ['GET', 'HEAD', 'POST'] });
  });

  it('takes a rule of the kind * for every HTTP method', () => {
    const any = routesOf('* /v1/x', 'GET /v1/x');
    expect(target(any, 'GET /v1/x')).toBe('GET /v1/x');
    expect(target(any, 'PURGE /v1/x')).toBe('* /v1/x');
  });

  it('takes segments behind **, which then has as few as it can', () => {
    const documents = routesOf('GET /v1/{parent=documents/*/**}/{collection}', 'GET /v1/{name=documents/**}');
    const variables = (path: string) => documents.match('GET', path);
    expect(variables('/v1/documents/a/b')).toMatchObject({
      variables: new Map([
        ['parent', 'documents/a'],
        ['collection', 'b'],
      ]),
    });
    expect(variables('/v1/documents/a/b%2Fc/d/e%2Ff')).toMatchObject({
      variables: new Map([
        ['parent', 'documents/a/b%2Fc/d'],
        ['collection', 'e/f'],
      ]),
    });
    expect(variables('/v1/documents/a')).toMatchObject({ variables: new Map([['name', 'documents/a']]) });
    expect(variables('/v1/documents')).toMatchObject({ variables: new Map([['name', 'documents']]) });
  });

  it('finds nothing for a path of more than 500 segments', () => {
    const rest = routesOf('GET /v1/{rest=**}');
    expect(target(rest, `GET /v1${'/a'.repeat(499)}`)).toBe('GET /v1/{rest=**}');
    expect(target(rest, `GET /v1${'/a'.repeat(500)}`)).toBeUndefined();
  });

  it('never gives * an empty segment', () => {
    const one = routesOf('GET /v1/{name}', 'GET /v1/{name}:go');
    expect(target(one, 'GET /v1/')).toBeUndefined();
    expect(target(one, 'GET /v1/:go')).toBe('GET /v1/{name}');
  });

  /** A route of `/package.v1.S/M`, whose service registered at `since`. */
  const of = (name: string, since: number, text: string) => ({ ...entry(text, `/${name}.v1.S/M`), since });

  it('gives the paths of several packages to the service that registered first, whatever the order, and shows the others', () => {
    const entries = [of('b', 1, 'GET /v1/{b}'), of('a', 2, 'GET /v1/{a}')];
    for (const list of [entries, [...entries].reverse()]) {
      const both = createRoutes(list);
      expect(target(both, 'GET /v1/7')).toBe('GET /v1/{b}');
      expect(both.disabled.map(({ entry: off, by }) => [off.method, by])).toEqual([['/a.v1.S/M', '/b.v1.S/M']]);
    }
  });

  it.each([
    ['GET /v1/{name=orders/*}', 'GET /v1/orders/latest', 'GET /v1/orders/latest'],
    ['GET /v1/{name=orders/*}', 'GET /v1/{name=orders/*}:steal', 'GET /v1/orders/7:steal'],
    ['GET /v1/orders', 'HEAD /v1/orders', 'HEAD /v1/orders'],
    ['* /v1/orders', 'POST /v1/orders', 'POST /v1/orders'],
    ['GET /v1/{rest=**}', 'GET /v1/orders/**', 'GET /v1/orders/7/lines'],
    ['GET /v1/{rest=**}', 'GET /v1/{rest=**}/orders', 'GET /v1/7/orders'],
  ])('%s of a package keeps its paths from %s of another that registered later', (first, later, request) => {
    const both = createRoutes([of('a', 2, later), of('b', 1, first)]);
    expect(target(both, request)).toBe(first);
    expect(both.disabled.map(({ entry: off, by }) => [off.target, by])).toEqual([[later, '/b.v1.S/M']]);
    expect(target(createRoutes([of('b', 2, later), of('b', 1, first)]), request)).toBe(later);
  });

  it.each([
    ['GET /v1/orders/latest', 'GET /v1/{name=orders/*}', 'GET /v1/orders/7'],
    ['GET /v1/orders/*/lines', 'GET /v1/**', 'GET /v1/orders/7'],
    ['GET /v1/**/lines', 'GET /v1/**', 'GET /v1/7'],
    ['GET /v1/orders', '* /v1/orders', 'POST /v1/orders'],
  ])('%s keeps only its own paths from %s', (first, later, request) => {
    const both = createRoutes([of('a', 2, later), of('b', 1, first)]);
    expect(target(both, request)).toBe(later);
    expect(target(both, first.replace('*/', '7/').replace('**/', '7/'))).toBe(first);
    expect(both.disabled).toEqual([]);
  });

  it('gives a path that packages without a time share to none of them, whatever their names', () => {
    const undated = (name: string, text: string) => ({ ...entry(text, `/${name}.v1.S/M`) });
    const both = createRoutes([undated('b', 'GET /v1/{b}'), undated('a', 'GET /v1/x'), undated('b', 'GET /v1/y')]);
    expect(['x', 'y', 'z'].map((name) => target(both, `GET /v1/${name}`))).toEqual([
      undefined,
      'GET /v1/y',
      'GET /v1/{b}',
    ]);
    expect(both.disabled).toMatchObject([{ entry: { target: 'GET /v1/x' }, by: '/b.v1.S/M' }]);
    const owners = [{ path: '/v1', owner: 'b' }];
    expect(target(createRoutes([undated('a', 'GET /v1/x'), undated('b', 'GET /v1/x')], owners), 'GET /v1/x')).toBe(
      'GET /v1/x',
    );
    expect(target(createRoutes([undated('a', 'GET /v1/x'), of('b', 1, 'GET /v1/{b}')]), 'GET /v1/x')).toBe(
      'GET /v1/{b}',
    );
  });

  it('gives a path that two templates share in part to the first, and neither is off', () => {
    const both = createRoutes([of('a', 2, 'GET /v1/orders/*'), of('b', 1, 'GET /v1/*/lines')]);
    expect(target(both, 'GET /v1/orders/lines')).toBe('GET /v1/*/lines');
    expect(target(both, 'GET /v1/orders/7')).toBe('GET /v1/orders/*');
    expect(both.disabled).toEqual([]);
  });

  it('gives the paths below a configured beginning to its owner alone', () => {
    const entries = [
      of('evil', 1, 'POST /v1/orders'),
      of('evil', 1, 'POST /v1/{any=**}'),
      of('sales', 2, 'POST /v1/orders'),
    ];
    const routes = createRoutes(
      entries.map((one, index) => ({ ...one, target: `${index}` })),
      [{ path: '/v1/orders', owner: 'sales' }],
    );
    expect(
      ['/v1/orders', '/v1/orders/7', '/v1/orders:steal', '/v1/ordersX'].map((path) => target(routes, `POST ${path}`)),
    ).toEqual(['2', undefined, undefined, '1']);
    expect(routes.disabled.map(({ entry: off, by }) => [off.target, by])).toEqual([['0', '/sales.v1.S/M']]);
    const alone = createRoutes(entries.slice(0, 1), [{ path: '/v1/orders', owner: 'sales.v1.S' }]);
    expect(target(alone, 'POST /v1/orders')).toBeUndefined();
    expect(alone.disabled).toMatchObject([{ by: 'sales.v1.S' }]);
  });

  it('takes one binding from several versions of a method', () => {
    expect(createRoutes([entry('GET /v1/{a}', '/a.S/A'), entry('GET /v1/{a}', '/a.S/A')]).disabled).toEqual([]);
  });
});

describe('conflicts', () => {
  it('is between bindings that take the same paths', () => {
    const bindings = ['GET /v1/{a}', 'GET /v1/{b=*}', 'POST /v1/{a}', 'GET /v1/x', 'GET /v1/{a}:go', 'GET /v1/{a=**}'];
    const pairs = findConflicts(bindings.map((text) => entry(text).binding));
    expect(pairs.map(({ first, second }) => [first.template.text, second.template.text])).toEqual([
      ['/v1/{a}', '/v1/{b=*}'],
    ]);
    expect(shapeOf(entry('GET /v1/{a=x/*}/**:go').binding)).toBe('GET /v1/x/*/**:go');
  });

  it.each([
    ['/docs', true],
    ['/docs/x', true],
    ['/openapi.json', true],
    ['/healthz', true],
    ['/readyz', true],
    ['/healthz/x', false],
    ['/v1/docs', false],
    ['/{name}', false],
    ['/docs:search', false],
  ])('%s is reserved: %s', (path, reserved) => {
    expect(isReserved(parseTemplate(path))).toBe(reserved);
  });
});
