import { call } from '../calls/connect.js';
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
  /** Calls a method without streams. @throws CallFault */
  call<M extends MethodOf<D>>(
    method: M,
    request: MessageOf<D, M, 'requestType'>,
  ): Promise<MessageOf<D, M, 'responseType'>>;
  /** Reads the replies of a method with a stream of them, until `signal` aborts. @throws CallFault */
  watch<M extends MethodOf<D>>(
    method: M,
    request: MessageOf<D, M, 'requestType'>,
    signal: AbortSignal,
  ): AsyncGenerator<MessageOf<D, M, 'responseType'>>;
}

/** Why a call failed. */
export class CallFault extends Error {
  override readonly name = 'CallFault';
  /** A name of gRPC in lower case, such as `aborted`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const TIMEOUT_MS = 15_000;

/**
 * Calls a service by Connect, with the credentials of the tab. Its types are those of the contract:
 * `serviceOf<typeof TaskServiceDefinition>('projects.v1.TaskService')` loads nothing of it.
 */
export function serviceOf<D extends ServiceTypes>(fullName: D['fullName']): PageService<D> {
  const pathOf = (method: string) => `/${fullName}/${method.charAt(0).toUpperCase()}${method.slice(1)}`;
  return {
    async call<M extends MethodOf<D>>(method: M, request: MessageOf<D, M, 'requestType'>) {
      const asked = { path: pathOf(method), request, streams: false, signal: AbortSignal.timeout(TIMEOUT_MS) };
      for await (const reply of replies<MessageOf<D, M, 'responseType'>>(asked)) return reply;
      throw new CallFault('internal', 'the answer has no message');
    },
    watch: (method, request, signal) => replies({ path: pathOf(method), request, streams: true, signal }),
  };
}

interface Asked {
  readonly path: string;
  readonly request: unknown;
  readonly streams: boolean;
  readonly signal: AbortSignal;
}

async function* replies<T>({ request, ...asked }: Asked): AsyncGenerator<T> {
  for await (const event of call({ ...asked, messages: [Object(request)] })) {
    // The gateway writes JSON by the contract that the types are made of.
    if (event.kind === 'message') yield Object(event.value);
    if (event.kind === 'end' && event.error !== undefined) throw new CallFault(event.error.code, event.error.message);
  }
}
