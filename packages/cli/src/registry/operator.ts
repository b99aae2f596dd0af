import { type OperatorMark, OperatorState, type Position } from '@rondo/contracts/rondo/registry/v1/registry';
import { type RegistryConnection, reach } from './connection.js';

/** What operators have set, by instance id: each is cordoned. */
export type Marks = ReadonlyMap<string, OperatorMark>;

/** Asks which instances are cordoned, whether they are registered or not. */
export async function listMarks(
  { client, addresses }: RegistryConnection,
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs?: number },
): Promise<Marks> {
  const options = { signal, ...(timeoutMs !== undefined && { timeoutMs }) };
  const { marks } = await reach(addresses, client.listOperatorStates({}, options));
  const cordoned = marks.filter(({ state }) => state === OperatorState.OPERATOR_STATE_CORDONED);
  return new Map(cordoned.map((mark) => [mark.instanceId, mark]));
}

/** What an operator wants of an instance. */
export interface Wish {
  readonly instanceId: string;
  readonly cordoned: boolean;
  /** Why, for those who look. */
  readonly reason?: string;
}

/** Tells the registry what an operator wants. */
export async function setWish(
  { client, addresses }: RegistryConnection,
  { instanceId, cordoned, reason = '' }: Wish,
  signal: AbortSignal,
): Promise<Position | undefined> {
  const state = cordoned ? OperatorState.OPERATOR_STATE_CORDONED : OperatorState.OPERATOR_STATE_NONE;
  const { position } = await reach(addresses, client.setOperatorState({ instanceId, state, reason }, { signal }));
  return position;
}

/** A position as `--json` prints it: 64-bit integers are text. */
export function viewPosition(position: Position | undefined) {
  if (position === undefined) return null;
  return { epoch: String(position.epoch), revision: String(position.revision) };
}
