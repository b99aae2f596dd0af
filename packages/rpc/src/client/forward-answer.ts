import type { Payload, Reply } from '../call/call.js';
import type { Metadata } from '../call/metadata.js';
import type { Channel } from '../channel/channel.js';
import { traceMessages } from '../middleware/stream.js';
import type { Endpoint } from '../resolver/resolver.js';
import type { ClientCall } from './client.js';
import { explain } from './explain.js';
import type { ForwardedReply } from './forward.js';
import type { ForwardContext } from './forward-context.js';

/** What an answer needs of its call. */
interface AnsweredCall {
  readonly call: ClientCall;
  readonly context: ForwardContext;
  readonly channel: Channel;
}

export class ForwardAnswer implements ForwardedReply {
  readonly header: Metadata;
  readonly trailer: Metadata;
  readonly response: Payload<Uint8Array>;
  readonly #context: ForwardContext;
  readonly #first: Endpoint;

  constructor({ header, trailer, response }: Reply, answered: AnsweredCall) {
    const { from } = answered.context;
    if (from === undefined) throw new TypeError('a middleware answered a call that has to be passed on');
    this.header = header;
    this.trailer = trailer;
    this.response = response.stream
      ? { stream: true, messages: new AnswerMessages(response.messages, answered) }
      : { stream: false, message: bytesOf(response.message) };
    this.#context = answered.context;
    this.#first = from;
  }

  get from(): Endpoint {
    return this.#context.from ?? this.#first;
  }
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** The messages of a response stream. The call ends with them. */
class AnswerMessages implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #messages: AsyncIterator<unknown>;
  readonly #answered: AnsweredCall;

  constructor(messages: AsyncIterable<unknown>, answered: AnsweredCall) {
    this.#messages = traceMessages(answered.call, messages)[Symbol.asyncIterator]();
    this.#answered = answered;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const { call, context, channel } = this.#answered;
    try {
      const step = await this.#messages.next();
      if (step.done !== true) return { done: false, value: bytesOf(step.value) };
      context.close();
      return END;
    } catch (error) {
      context.close(error);
      throw context.isOwn(error) ? error : explain(error, call, channel);
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#answered.context.close();
    await this.#messages.return?.();
    return END;
  }
}

function bytesOf(message: unknown): Uint8Array {
  if (message instanceof Uint8Array) return message;
  throw new TypeError('a middleware has decoded a message that has to be passed on');
}
