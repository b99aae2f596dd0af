import { describe, expect, it } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { catalogueOf, wellKnownFiles } from '../../test/support/catalogues.js';
import { fileOf, get } from '../../test/support/files.js';
import { openApiDocument } from './document.js';
import type { OpenApiDocument } from './model.js';

describe('the credentials of an operation', () => {
  const auth = (scopes: string[], isPublic = false) => ({ auth: { public: isPublic, scopes, callers: [] } });
  const secured = fileOf('a.v1.A', {
    Read: { rule: get('/read'), policy: auth(['a.read', 'a.list']) },
    Terms: { rule: get('/terms'), policy: auth([], true) },
    Other: { rule: get('/other') },
    Call: { policy: auth(['a.call']) },
  });
  const operations = (of: OpenApiDocument) =>
    Object.entries(of.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([verb, operation]) => [`${verb} ${path}`, operation.security]),
    );
  const document = openApiDocument(catalogueOf([...wellKnownFiles, secured]), true);

  it('are those of the contract', async () => {
    expect(await new Validator().validate(JSON.parse(JSON.stringify(document)))).toMatchObject({ valid: true });
    expect(Object.fromEntries(operations(document))).toEqual({
      'get /read': [{ bearer: ['a.read', 'a.list'] }, { apiKey: ['a.read', 'a.list'] }],
      'get /terms': [],
      'get /other': [{ bearer: [] }, { apiKey: [] }],
      'post /a.v1.A/Call': [{ bearer: ['a.call'] }, { apiKey: ['a.call'] }],
    });
    expect(Object.keys(document.components.securitySchemes ?? {})).toEqual(['bearer', 'apiKey']);
  });

  it('are missing if the gateway verifies none', () => {
    const open = openApiDocument(catalogueOf([...wellKnownFiles, secured]));
    expect(JSON.stringify(open)).not.toMatch(/bearer|securitySchemes/);
  });
});
