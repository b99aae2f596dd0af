import type { DescMethod } from '@bufbuild/protobuf';
import { authOf } from '../discovery/exposure.js';
import type { SecurityRequirement, SecurityScheme } from './model.js';

/** The ways to send credentials. Source: https://spec.openapis.org/oas/v3.1.1.html#security-scheme-object */
export const SECURITY_SCHEMES: Readonly<Record<string, SecurityScheme>> = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'A token of an identity provider, or an API key.',
  },
  apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API key of `rondo keys`.' },
};

/** The credentials that a method needs, and the scopes that they must have, by its contract. */
export function securityOf(desc: DescMethod): readonly SecurityRequirement[] {
  const auth = authOf(desc);
  if (auth?.public === true) return [];
  const scopes = auth?.scopes ?? [];
  return Object.keys(SECURITY_SCHEMES).map((scheme) => ({ [scheme]: scopes }));
}
