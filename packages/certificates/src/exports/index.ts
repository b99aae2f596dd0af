/**
 * Certificates for development and tests: an authority, certificates of processes and persons, and the folder that holds
 * them. In production they come from elsewhere, such as SPIRE or cert-manager.
 *
 * ```ts
 * import { createAuthority, issue } from '@rondo/certificates';
 *
 * const authority = await createAuthority({ trustDomain: 'rondo.local', validFrom, validTo });
 * const { cert, key } = await issue(authority, { name: 'sales', usage: 'process', hosts: ['localhost'], validFrom, validTo });
 * ```
 */

export {
  type FolderOptions,
  type IssuedCertificate,
  renewAll,
  replaceAuthority,
  retireAuthorities,
} from '../folder.js';
export { type Authority, type CertificatePair, createAuthority, issue, type Usage } from '../issue.js';
