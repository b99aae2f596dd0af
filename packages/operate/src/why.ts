/** Why the calls of a caller go to other instances than one that can take them. Undefined if the policy has no such reason. */
export function whyOthers(policy: string, zone: string, callerZone: string): string | undefined {
  if (policy === 'ring_hash') return 'the keys belong to other instances';
  if (policy !== 'zone_aware') return undefined;
  return `it is in ${zone || 'no zone'} and the caller in ${callerZone || 'no zone'}, and calls stay in their zone while that has room`;
}
