import type { Payload, Reply } from '../../call/call.js';
import { CallContext, cancelled } from '../../call/call-context.js';
import type { WireCall, WireHandler } from '../../transport/transport.js';
import type { CallFault } from './conditions.js';

/** What an exchange needs of its connection. */
export interface Carrier {
  /** Runs `deliver` when a message sent now arrives. */
  toServer(deliver: () => void): void;
  toClient(deliver: () => void): void;
  /** Passes the call to its handler. */
  readonly handle: WireHandler;
  /** How far the server's clock is ahead of the client's. Milliseconds. */
  aheadMs(): number;
  /** The messages of a response stream as the server sends them. */
  outgoing(wire: WireCall, messages: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  lose(): void;
  /** The client has the outcome. */
  onReceived(exchange: Exchange): void;
  /** Its handler starts; its handler is done with it. */
  onServing(exchange: Exchange): void;
  onServed(exchange: Exchange): void;
}

/** One call over one connection. */
export class Exchange {
  readonly reply: Promise<Reply<Uint8Array>>;
  readonly #wire: WireCall;
  readonly #carrier: Carrier;
  readonly #fault: CallFault | undefined;
  readonly #far = new CallContext();
  #settle: { resolve(reply: Reply<Uint8Array>): void; reject(error: unknown): void } | undefined;
  #rejectRead: ((error: unknown) => void) | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(wire: WireCall, carrier: Carrier, fault: CallFault | undefined) {
    this.#wire = wire;
    this.#carrier = carrier;
    this.#fault = fault;
    this.reply = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    wire.context.onEnd(this.#leave);
  }

  get context(): CallContext {
    return this.#wire.context;
  }

  begin(): void {
    if (this.#failure !== undefined) return;
    if (this.#fault?.kind === 'drop' && this.#fault.what === 'request') this.#drop(this.#fault);
    else this.#carrier.toServer(() => void this.#serve());
  }

  /** The client learns that the connection is lost. */
  fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { error };
    this.#settle?.reject(error);
    this.#rejectRead?.(error);
    this.#end();
  }

  /** The server learns that the caller has left. */
  abandon(): void {
    this.#far.end(this.#wire.context.reason ?? cancelled());
    this.#carrier.onServed(this);
  }

  async #serve(): Promise<void> {
    const { context: _, deadline, ...wire } = this.#wire;
    const request = this.#request(this.#wire.request);
    const translated = deadline === undefined ? undefined : deadline + this.#carrier.aheadMs();
    this.#carrier.onServing(this);
    try {
      const reply = await this.#carrier.handle({ ...wire, request, context: this.#far, deadline: translated });
      if (!reply.response.stream) this.#carrier.onServed(this);
      if (this.#fault?.kind === 'drop' && this.#fault.what === 'reply') this.#drop(this.#fault);
      else this.#carrier.toClient(() => this.#receive(reply));
    } catch (error) {
      this.#carrier.onServed(this);
      this.#carrier.toClient(() => this.fail(error));
    }
  }

  #receive({ header, trailer, response }: Reply<Uint8Array>): void {
    if (this.#failure !== undefined) return;
    if (!response.stream) this.#end();
    const received = response.stream ? this.#stream(this.#carrier.outgoing(this.#wire, response.messages)) : response;
    this.#settle?.resolve({ header, trailer, response: received });
  }

  #stream(messages: AsyncIterable<Uint8Array>): Payload<Uint8Array> {
    const iterator = messages[Symbol.asyncIterator]();
    const leave = async () => {
      this.#end();
      this.#carrier.toServer(() => {
        this.abandon();
        // The handler's reaction to it is no longer part of the call.
        iterator.return?.().catch(() => undefined);
      });
      return { done: true, value: undefined } as const;
    };
    const next = () => this.#read(iterator);
    return { stream: true, messages: { [Symbol.asyncIterator]: () => ({ next, return: leave }) } };
  }

  #read(iterator: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure.error);
        return;
      }
      this.#rejectRead = reject;
      const arrive = (step: IteratorResult<Uint8Array>) => {
        if (step.done === true) this.#end();
        resolve(step);
      };
      iterator.next().then(
        (step) => {
          if (step.done === true) this.#carrier.onServed(this);
          this.#carrier.toClient(() => arrive(step));
        },
        (error) => {
          this.#carrier.onServed(this);
          this.#carrier.toClient(() => this.fail(error));
        },
      );
    });
  }

  /** Sends each message of a request stream to the server when the handler reads it. */
  #request(request: Payload<Uint8Array>): Payload<Uint8Array> {
    if (!request.stream) return request;
    const { messages } = request;
    const toServer = (deliver: () => void) => this.#carrier.toServer(deliver);
    return {
      stream: true,
      messages: {
        [Symbol.asyncIterator]() {
          const iterator = messages[Symbol.asyncIterator]();
          const next = () =>
            new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
              iterator.next().then((step) => toServer(() => resolve(step)), reject);
            });
          return { next, return: async () => (await iterator.return?.()) ?? { done: true, value: undefined } };
        },
      },
    };
  }

  #drop({ seen }: CallFault & { kind: 'drop' }): void {
    if (seen === 'loss') this.#carrier.lose();
  }

  /** The client doesn't wait any more. */
  leave(error: unknown): void {
    this.fail(error);
    this.#carrier.toServer(() => this.abandon());
  }

  readonly #leave = (): void => this.leave(this.#wire.context.reason);

  #end(): void {
    this.#wire.context.offEnd(this.#leave);
    this.#carrier.onReceived(this);
  }
}
