/**
 * Certificates for development and tests: an authority, certificates of processes and persons, and the folder that holds
 * them. In production they come from elsewhere, such as SPIRE or cert-manager.
 *
 * ```ts
 * import { createAuthority, issue } from '@rondo/certificates';
 *
 * const validity = { validFrom: new Date(), validTo: new Date(Date.now() + 86_400_000) };
 * const authority = await createAuthority({ trustDomain: 'rondo.local', ...validity });
 * const { cert, key } = await issue(authority, { name: 'sales', usage: 'process', hosts: ['localhost'], ...validity });
 * ```
 */

export { renewAll, replaceAuthority, retireAuthorities } from '../folder.js';
export { type Authority, createAuthority, issue } from '../issue.js';
