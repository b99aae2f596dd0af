import { describe, expect, it } from '@jest/globals';
import { Instance, InstanceStatus, RemovalReason, WatchResponse } from '@rondo/contracts/rondo/registry/v1/registry';
import { type Change, WatchedState } from './watched-state.js';

const at = (revision: bigint) => ({ epoch: 1n, revision });
const instance = (instanceId: string, rest: Partial<Instance> = {}) =>
  Instance.fromPartial({ instanceId, status: InstanceStatus.INSTANCE_STATUS_SERVING, weight: 100, ...rest });
const snapshot = (instances: readonly Instance[], rest: Partial<WatchResponse> = {}, more = false) =>
  WatchResponse.fromPartial({ event: { $case: 'snapshot', value: { instances: [...instances], more } }, ...rest });
const delta = (
  value: { upserts?: Instance[]; removals?: { instanceId: string; reason: RemovalReason }[] },
  revision: bigint,
) => WatchResponse.fromPartial({ position: at(revision), event: { $case: 'delta', value } });

/** `+ a`, short enough to compare. */
function brief(changes: readonly Change[]): readonly string[] {
  return changes.map((change) => {
    if (change.type === 'left') return `left ${change.instance.instanceId}: ${change.reason}`;
    if (change.type === 'changed') return `changed ${change.instance.instanceId}: ${change.changes.join('; ')}`;
    return 'instance' in change ? `${change.type} ${change.instance.instanceId}` : change.type;
  });
}

describe('WatchedState', () => {
  it('yields the present state, then what joins, changes and leaves', () => {
    const state = new WatchedState();
    expect(brief(state.apply(snapshot([instance('a'), instance('b')], { position: at(1n) })))).toEqual([
      'present a',
      'present b',
    ]);
    const draining = instance('a', { status: InstanceStatus.INSTANCE_STATUS_DRAINING, weight: 1 });
    expect(brief(state.apply(delta({ upserts: [instance('c'), draining, instance('b')] }, 2n)))).toEqual([
      'joined c',
      'changed a: status SERVING → DRAINING; weight 100 → 1',
    ]);
    const removals = [
      { instanceId: 'b', reason: RemovalReason.REMOVAL_REASON_EXPIRED },
      { instanceId: 'never seen', reason: RemovalReason.REMOVAL_REASON_EXPIRED },
    ];
    expect(brief(state.apply(delta({ removals }, 3n)))).toEqual(['left b: expired']);
    expect(state.position).toEqual(at(3n));
  });

  it('names a restart, and the other changes with it', () => {
    const state = new WatchedState();
    state.apply(snapshot([instance('a', { incarnation: 1n, metadata: { tier: 'one' } })], { position: at(1n) }));
    const again = instance('a', { incarnation: 2n, zone: 'eu/a', services: ['s.S'], metadata: { tier: 'two' } });
    expect(brief(state.apply(delta({ upserts: [again] }, 2n)))).toEqual([
      'changed a: restarted; zone - → eu/a; services - → s.S; metadata tier=one → tier=two',
    ]);
  });

  it('treats the parts of a snapshot as one, and resumes from none of them', () => {
    const state = new WatchedState();
    state.apply(snapshot([instance('a'), instance('b')], { position: at(1n) }));
    expect(brief(state.apply(snapshot([instance('b')], {}, true)))).toEqual([]);
    expect(state.position).toEqual(at(1n));
    expect(brief(state.apply(snapshot([instance('c')], { position: at(9n) })))).toEqual([
      'joined c',
      'left a: gone while the watch was broken',
    ]);
    expect(state.position).toEqual(at(9n));
  });

  it('forgets the parts of a snapshot that broke off', () => {
    const state = new WatchedState();
    state.apply(snapshot([instance('a')], { position: at(1n) }));
    state.apply(snapshot([instance('a')], {}, true));
    state.forgetParts();
    expect(brief(state.apply(snapshot([], { position: at(2n) })))).toEqual(['left a: gone while the watch was broken']);
  });

  it('removes no instance because a warming registry does not list it', () => {
    const state = new WatchedState();
    state.apply(snapshot([instance('a'), instance('b')], { position: at(1n) }));
    expect(brief(state.apply(snapshot([instance('b')], { position: at(1n), warming: true })))).toEqual(['warming']);
    expect(brief(state.apply(snapshot([instance('b')], { position: at(2n) })))).toEqual([
      'warm',
      'left a: gone while the watch was broken',
    ]);
  });
});
