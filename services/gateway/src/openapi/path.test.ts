import { describe, expect, it } from '@jest/globals';
import { parseTemplate } from '@rondo/schema/http';
import { renameVariables, toOpenApiPath } from './path.js';

const openApiPath = (text: string) => toOpenApiPath(parseTemplate(text));

describe('toOpenApiPath', () => {
  it.each([
    ['/add', '/add'],
    ['/v1/{name=projects/*}', '/v1/projects/{project}'],
    ['/v1/{task.name=projects/*/tasks/*}:undelete', '/v1/projects/{project}/tasks/{task}:undelete'],
    ['/v1/{parent=projects/*}/tasks:batchCreate', '/v1/projects/{project}/tasks:batchCreate'],
    ['/v1/{name=companies/*/addresses/*}', '/v1/companies/{company}/addresses/{address}'],
    ['/v1/{name=order-lines/*}', '/v1/order-lines/{orderLine}'],
    ['/v1/items/{item_id}', '/v1/items/{itemId}'],
    ['/v1/{name=folders/*/folders/*}', '/v1/folders/{folder}/folders/{folder2}'],
    ['/v1/{name=*/*}', '/v1/{v1}/{name2}'],
    ['/v1/objects/{path=**}', '/v1/objects/{path}'],
  ])('%s → %s', (template, path) => {
    expect(openApiPath(template).text).toBe(path);
  });

  it('tells which field a variable is, or a part of', () => {
    expect(openApiPath('/v1/{name=projects/*}/{id}').variables).toEqual([
      { name: 'project', field: 'name', partOf: 'projects/{project}', several: false },
      { name: 'id', field: 'id', partOf: undefined, several: false },
    ]);
    expect(openApiPath('/v1/{path=**}').variables).toMatchObject([{ name: 'path', several: true }]);
  });
});

describe('renameVariables', () => {
  it('gives a path the names of one that differs in nothing else', () => {
    const renamed = renameVariables(openApiPath('/v1/{name=books/*}'), openApiPath('/v1/books/{id}'));
    expect(renamed).toMatchObject({ text: '/v1/books/{id}', variables: [{ name: 'id', partOf: 'books/{id}' }] });
  });
});
