import type { Method } from '../contract/index.js';
import type { Channel } from './channel.js';

/** What a client's method is of, and the channel over which its calls go. */
export interface Binding {
  readonly method: Method;
  readonly channel: Channel;
}

/** A client's methods stay plain functions: what they are of is known beside them, for as long as they live. */
const bindings = new WeakMap<object, Binding>();

/** Notes what `call` is of. */
export function bindMethod<F extends object>(call: F, { method, channel }: Binding): F {
  bindings.set(call, { method, channel });
  return call;
}

/**
 * What `call` is of.
 *
 * @throws TypeError where it is no method of a client.
 */
export function bindingOf(call: object): Binding {
  const binding = bindings.get(call);
  if (binding !== undefined) return binding;
  throw new TypeError(`${call} is no method of a client that createClient made; pass it as it is: client.method`);
}
