import { replies, replyOf } from '../calls/connect.js';
import type { Json } from './json.js';

interface Codec<T> {
  decode(bytes: Uint8Array): T;
}

/** What a page takes of a generated definition: types alone. */
export interface ServiceTypes {
  readonly fullName: string;
  readonly methods: Readonly<
    Record<string, { readonly requestType: Codec<unknown>; readonly responseType: Codec<unknown> }>
  >;
}

type MethodOf<D extends ServiceTypes> = keyof D['methods'] & string;
type MessageOf<D extends ServiceTypes, M extends MethodOf<D>, K extends 'requestType' | 'responseType'> = Json<
  ReturnType<D['methods'][M][K]['decode']>
>;

/** A service behind the gateway that serves the page. */
export interface PageService<D extends ServiceTypes> {
  /** Calls a method without streams, by default for at most 15 s. @throws CallFault */
  call<M extends MethodOf<D>>(
    method: M,
    request: MessageOf<D, M, 'requestType'>,
    timeoutMs?: number,
  ): Promise<MessageOf<D, M, 'responseType'>>;
  /** Reads the replies of a method with a stream of them, until `signal` aborts. @throws CallFault */
  watch<M extends MethodOf<D>>(
    method: M,
    request: MessageOf<D, M, 'requestType'>,
    signal: AbortSignal,
  ): AsyncGenerator<MessageOf<D, M, 'responseType'>>;
}

/**
 * Calls a service by Connect, with the credentials of the page. Its types are those of the contract:
 * `serviceOf<typeof TaskServiceDefinition>('projects.v1.TaskService')` loads nothing of it.
 */
export function serviceOf<D extends ServiceTypes>(fullName: D['fullName']): PageService<D> {
  const pathOf = (method: string) => `/${fullName}/${method.charAt(0).toUpperCase()}${method.slice(1)}`;
  return {
    // The gateway writes JSON by the contract that the types are made of.
    call: async (method, request, timeoutMs) => Object(await replyOf(pathOf(method), Object(request), timeoutMs)),
    async *watch(method, request, signal) {
      const messages = [Object(request)];
      for await (const reply of replies({ path: pathOf(method), streams: true, messages, signal })) yield Object(reply);
    },
  };
}
