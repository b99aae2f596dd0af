import { type Instance, RemovalReason } from '@rondo/contracts/rondo/registry/v1/registry';
import { enumName, type InstanceView, isCordoned, viewInstance } from './instance-view.js';

/** One thing that a watcher of the registry sees happen. */
export type Change =
  | { readonly type: 'present' | 'joined'; readonly instance: InstanceView }
  | { readonly type: 'changed'; readonly instance: InstanceView; readonly changes: readonly string[] }
  | { readonly type: 'left'; readonly instance: InstanceView; readonly reason: string }
  | { readonly type: 'lost' | 'back' | 'moved' | 'warming' | 'warm' };

/** What is different between two states of an instance, in words: `status SERVING → DRAINING`. */
export function describeChanges(before: Instance, after: Instance): readonly string[] {
  const from = viewInstance(before);
  const to = viewInstance(after);
  const restarted = before.incarnation === after.incarnation ? [] : ['restarted'];
  const scalars = (['status', 'zone', 'version', 'weight'] as const)
    .filter((field) => from[field] !== to[field])
    .map((field) => `${field} ${from[field] || '-'} → ${to[field] || '-'}`);
  const lists = [
    changedList(
      'address',
      from.endpoints.map(({ address }) => address),
      to.endpoints.map(({ address }) => address),
    ),
    changedList('services', from.services, to.services),
    changedList('metadata', pairs(from.metadata), pairs(to.metadata)),
  ];
  return [...restarted, ...changedCordon(before, after), ...scalars, ...lists.flat()];
}

/** How `watch` tells that an operator has taken an instance out. */
export const CORDONED = 'cordoned';

function changedCordon(before: Instance, after: Instance): readonly string[] {
  if (isCordoned(before) === isCordoned(after)) return [];
  return [isCordoned(after) ? CORDONED : 'uncordoned'];
}

/** Why an instance left, such as `expired`. */
export function removalReason(reason: RemovalReason): string {
  return enumName(RemovalReason[reason], 'REMOVAL_REASON_', reason).toLowerCase();
}

function changedList(name: string, from: readonly string[], to: readonly string[]): readonly string[] {
  const [before, after] = [from.join(','), to.join(',')];
  return before === after ? [] : [`${name} ${before || '-'} → ${after || '-'}`];
}

function pairs(metadata: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(metadata)
    .map(([key, value]) => `${key}=${value}`)
    .sort();
}
