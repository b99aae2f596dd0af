import { type Instance, Security } from '@rondo/contracts/rondo/registry/v1/registry';

/** The instances of a fleet by how clients can connect to them. */
export function splitBySecurity(instances: readonly Instance[]): Readonly<Record<'plain' | 'both' | 'tls', string[]>> {
  const split: Record<'plain' | 'both' | 'tls', string[]> = { plain: [], both: [], tls: [] };
  for (const { endpoints, instanceId } of instances) {
    const ofTls = endpoints.filter(({ security }) => security === Security.SECURITY_TLS).length;
    split[ofTls === 0 ? 'plain' : ofTls < endpoints.length ? 'both' : 'tls'].push(instanceId);
  }
  return split;
}

/** A sentence on a fleet that has not changed over to TLS as a whole; undefined if all of it has, or none. */
export function mixedSecurity(instances: readonly Instance[]): string | undefined {
  const { plain, both, tls } = splitBySecurity(instances);
  if (both.length === 0 && (plain.length === 0 || tls.length === 0)) return undefined;
  const parts = [
    ...(tls.length > 0 ? [`${tls.length} with TLS alone`] : []),
    ...(both.length > 0 ? [`with and without TLS: ${both.join(', ')}`] : []),
    ...(plain.length > 0 ? [`without TLS: ${plain.join(', ')}`] : []),
  ];
  return `The fleet is mixed: ${parts.join('; ')}`;
}
