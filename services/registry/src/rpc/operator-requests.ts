import { type SetOperatorStateRequest, OperatorState as Wire } from '@rondo/contracts/rondo/registry/v1/registry';
import type { OperatorState } from '../domain/instance.js';
import { REQUEST_LIMITS } from '../domain/limits.js';
import type { OperatorWish } from '../domain/store.js';
import { checkInstanceId } from './instance-rules.js';
import { Violations } from './violations.js';

const STATE: ReadonlyMap<Wire, OperatorState> = new Map([
  [Wire.OPERATOR_STATE_NONE, 'none'],
  [Wire.OPERATOR_STATE_CORDONED, 'cordoned'],
]);

/** What `SetOperatorState` asks for. Throws `INVALID_ARGUMENT` with every violation. */
export function parseSetOperatorState(request: SetOperatorStateRequest): { instanceId: string; wish: OperatorWish } {
  const { instanceId, reason } = request;
  const violations = new Violations();
  const state = STATE.get(request.state);
  checkInstanceId(instanceId, 'instance_id', violations);
  violations.check(state !== undefined, 'state', `must be one of ${[...STATE.keys()].map((s) => Wire[s]).join(', ')}`);
  const { operatorReasonLength } = REQUEST_LIMITS;
  violations.check(
    reason.length <= operatorReasonLength,
    'reason',
    `must have at most ${operatorReasonLength} characters`,
  );
  violations.refuse();
  return { instanceId, wish: { state: state ?? 'none', reason } };
}
