import type { ConsoleServiceDefinition } from '@rondo/contracts/rondo/gateway/v1/console';
import type { Json } from '../page/json.js';
import { serviceOf } from '../page/service.js';
import { visibleIn } from '../ui/text.js';
import { type Stream, useWatch, type Watch } from './watch.js';

/** The console's own contract. */
export const consoleService = serviceOf<typeof ConsoleServiceDefinition>('rondo.gateway.v1.ConsoleService');

type Methods = (typeof ConsoleServiceDefinition)['methods'];
type Method = keyof Methods;

/** An event of a stream of the console's own contract. */
export type EventOf<M extends Method> = Json<ReturnType<Methods[M]['responseType']['decode']>>;

/** A stream of the console's own contract. */
export interface StreamOptions<M extends Method, S> extends Omit<Watch<EventOf<M>, S>, 'open' | 'key'> {
  readonly method: M;
  readonly request: Json<ReturnType<Methods[M]['requestType']['decode']>>;
}

/** Follows a stream of the console's own contract. All that it sends was written by others. */
export function useStream<M extends Method, S>({ method, request, ...watch }: StreamOptions<M, S>): Stream<S> {
  async function* open(signal: AbortSignal): AsyncGenerator<EventOf<M>> {
    for await (const event of consoleService.watch(method, request, signal)) yield Object(visibleIn(Object(event)));
  }
  return useWatch({ ...watch, open, key: `${method} ${JSON.stringify(request)}` });
}
