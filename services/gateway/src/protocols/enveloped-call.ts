import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { Metadata } from '@rondo/rpc/call';
import {
  COMPRESSED,
  checkPrefix,
  MessageReader,
  type Payload,
  PREFIX_BYTES,
  serverErrors,
  withPrefix,
} from '@rondo/rpc/internal';
import type { RpcError } from '@rondo/rpc/status';
import type { PublicMethod } from '../discovery/catalogue.js';
import { isWorthwhile, toGzip } from '../edge/compress.js';
import { gatewayErrors } from '../errors.js';
import type { HttpExchange } from '../listener/exchange.js';
import type { BackendReply } from './backend.js';
import { Base64Stream } from './base64-stream.js';
import { type Codec, replyEncoder, requestOf } from './codec.js';
import { type Encoding, inflate } from './compression.js';
import { type CallSettings, type FrontEnd, type FrontEndOptions, InboundCall } from './inbound-call.js';
import { addMetadata } from './metadata.js';

/** What the headers of a request say of its messages. */
export interface EnvelopedSettings extends CallSettings {
  /** How the request's messages may be compressed. */
  readonly encoding: Encoding;
  /** Whether the reply's messages are compressed. */
  readonly compress: boolean;
}

/** How a call has ended. */
export interface Outcome {
  readonly trailer: Metadata;
  readonly error?: RpcError;
  /** Its last message, if that wasn't sent. */
  readonly last?: Buffer;
}

/** A protocol whose messages are in envelopes: how its calls begin and end. */
export interface EnvelopedProtocol {
  readonly codec: Codec;
  /** Whether the bodies are base64. */
  readonly text: boolean;
  /** @throws RpcError for headers that are malformed or name what isn't supported. */
  settings(headers: IncomingHttpHeaders): Omit<EnvelopedSettings, 'codec'>;
  /** The headers of an answer, without metadata. */
  headers(compress: boolean): OutgoingHttpHeaders;
  /** Ends an answer whose headers were sent. */
  end(exchange: HttpExchange, outcome: Outcome): void;
}

/** Serves calls of a protocol whose messages are in envelopes. */
export function createEnvelopedFrontEnd(protocol: EnvelopedProtocol, options: FrontEndOptions): FrontEnd {
  const respond: Respond = (exchange, header, compress) => {
    if (exchange.responded) return;
    const headers = protocol.headers(compress);
    addMetadata(headers, header, options);
    exchange.respond(200, headers);
  };
  const refuse: FrontEnd['refuse'] = (exchange, error) => {
    const first = exchange.responded ? NO_METADATA : (error.header ?? NO_METADATA);
    respond(exchange, first, false);
    const end = () => protocol.end(exchange, { trailer: error.metadata, error });
    // The exchange sends headers and trailers of one turn as one block, "Trailers-Only". Header metadata has its own.
    if (first.size === 0) end();
    else queueMicrotask(end);
  };
  return {
    serve(exchange, target) {
      const call = new InboundCall(exchange, target, options);
      void new EnvelopedCall(call, { protocol, respond, refuse, maxBytes: options.maxMessageBytes }).serve();
    },
    refuse,
  };
}

/** Sends the headers of an answer, unless they were sent. */
type Respond = (exchange: HttpExchange, header: Metadata, compress: boolean) => void;

const NO_METADATA = new Metadata();

interface EnvelopedOptions extends Pick<FrontEnd, 'refuse'> {
  readonly protocol: EnvelopedProtocol;
  readonly respond: Respond;
  readonly maxBytes: number;
}

class EnvelopedCall {
  readonly #call: InboundCall;
  readonly #exchange: HttpExchange;
  readonly #target: PublicMethod;
  readonly #protocol: EnvelopedProtocol;
  readonly #options: EnvelopedOptions;
  /** The stream of requests; undefined if the method takes one, which is read before the backend is called. */
  #requests: AsyncGenerator<Buffer> | undefined;

  constructor(call: InboundCall, options: EnvelopedOptions) {
    this.#call = call;
    this.#exchange = call.exchange;
    this.#target = call.target;
    this.#protocol = options.protocol;
    this.#options = options;
  }

  async serve(): Promise<void> {
    try {
      const settings = { codec: this.#protocol.codec, ...this.#protocol.settings(this.#exchange.headers) };
      const metadata = this.#call.metadata();
      const payload = this.#target.method.requestStream ? this.#stream(settings) : await this.#single(settings);
      const { codec, timeoutMs } = settings;
      const request = requestOf(payload, { target: this.#target, codec, refuse: this.#call.refuse });
      const reply = await this.#call.send(request, metadata, timeoutMs);
      await this.#answer(reply, settings);
      this.#leaveRequest();
    } catch (fault) {
      this.#leaveRequest();
      const error = this.#call.errorOf(fault);
      this.#call.finish(() => this.#options.refuse(this.#exchange, error));
    }
  }

  async #single(settings: EnvelopedSettings): Promise<Payload<Uint8Array>> {
    const maxBytes = this.#options.maxBytes + PREFIX_BYTES;
    const { text } = this.#protocol;
    const { body } = this.#exchange;
    const whole = await this.#call.read(body.whole(text ? base64Length(maxBytes) : maxBytes), settings.timeoutMs);
    const reader = this.#readerOf(settings);
    reader.push(text ? decodeText(whole) : whole);
    const message = reader.next();
    // The codes are those of "cardinality violation": https://github.com/grpc/grpc/blob/master/doc/statuscodes.md
    if (message === undefined) throw reader.whole ? serverErrors.NO_REQUEST() : serverErrors.REQUEST_CUT_OFF();
    if (!reader.whole) throw serverErrors.SECOND_REQUEST();
    return { stream: false, message: await this.#opened(message) };
  }

  /** Cuts the bytes of requests into messages, and refuses those that are too long, or compressed in another way than the headers say. */
  #readerOf({ encoding }: EnvelopedSettings): MessageReader {
    const { maxBytes } = this.#options;
    return new MessageReader({
      checkPrefix(flags, length) {
        if (length > maxBytes) throw gatewayErrors.MESSAGE_TOO_LARGE({ maxBytes });
        checkPrefix(flags, length, { encoding, maxBytes });
      },
    });
  }

  #opened({ flags, data }: NonNullable<ReturnType<MessageReader['next']>>): Buffer | Promise<Buffer> {
    const { maxBytes } = this.#options;
    return flags === 0 ? data : inflate(data, { body: this.#exchange.body, maxBytes });
  }

  #stream(settings: EnvelopedSettings): Payload<Uint8Array> {
    this.#requests = this.#readRequests(settings);
    return { stream: true, messages: this.#requests };
  }

  /** Yields the requests as the backend asks for them, so that the client sends no faster than the service reads. */
  async *#readRequests(settings: EnvelopedSettings): AsyncGenerator<Buffer> {
    const reader = this.#readerOf(settings);
    const base64 = this.#protocol.text ? new Base64Stream() : undefined;
    try {
      const { body } = this.#exchange;
      for await (const chunk of body.chunks({ steady: () => !reader.whole })) {
        reader.push(base64 === undefined ? chunk : base64.decode(chunk));
        for (let message = reader.next(); message !== undefined; message = reader.next())
          yield await this.#opened(message);
        body.hold(reader.heldBytes);
      }
      if (!reader.whole || base64?.whole === false) throw serverErrors.REQUESTS_CUT_OFF();
      // A client that cancels an upload ends the stream and then resets it.
      await this.#exchange.peerCaughtUp?.();
      this.#call.context.throwIfEnded();
    } catch (fault) {
      throw this.#call.refuse(fault);
    }
  }

  async #answer({ header, trailer, response, from }: BackendReply, settings: EnvelopedSettings): Promise<void> {
    const encode = replyEncoder(this.#target, settings.codec, from);
    const respond = () => this.#options.respond(this.#exchange, header, settings.compress);
    if (!response.stream) {
      const last = this.#encoded(await compressed(encode(response.message), settings.compress));
      this.#call.finish(() => {
        respond();
        this.#protocol.end(this.#exchange, { trailer, last });
      });
      return;
    }
    if (this.#isHeaderEarly(from)) respond();
    for await (const message of response.messages) {
      this.#call.context.throwIfEnded();
      respond();
      await this.#exchange.write(this.#encoded(await compressed(encode(message), settings.compress)));
    }
    if (!this.#exchange.responded) {
      respond();
      // The exchange would send headers and trailers of one turn as one block; these must stay apart.
      await undefined;
    }
    this.#call.finish(() => this.#protocol.end(this.#exchange, { trailer }));
  }

  /**
   * Whether the header is sent before the first message. A handler in this process can still change it until then. Over
   * HTTP/1.1 many clients read the answer only after they have sent the request.
   */
  #isHeaderEarly(from: BackendReply['from']): boolean {
    return from !== undefined && (this.#requests === undefined || this.#exchange.version === '2');
  }

  /** The call has ended, so the rest of the request isn't read. */
  #leaveRequest(): void {
    this.#requests?.return(undefined).catch(() => undefined);
    this.#exchange.body.discard();
  }

  #encoded(frame: Buffer): Buffer {
    return this.#protocol.text ? Buffer.from(frame.toString('base64')) : frame;
  }
}

function base64Length(bytes: number): number {
  return Math.ceil(bytes / 3) * 4;
}

function decodeText(body: Buffer): Buffer {
  const base64 = new Base64Stream();
  const decoded = base64.decode(body);
  if (!base64.whole) throw serverErrors.REQUEST_CUT_OFF();
  return decoded;
}

/** A message with its prefix. */
export function enveloped(data: Uint8Array, flags = 0): Buffer {
  const framed = withPrefix(data);
  framed[0] = flags;
  return framed;
}

/** A message with its prefix, compressed if the client accepts it and it pays. */
function compressed(message: Uint8Array, compress: boolean): Buffer | Promise<Buffer> {
  if (!compress || !isWorthwhile(message)) return enveloped(message);
  return toGzip(message).then((smaller) => enveloped(smaller, COMPRESSED));
}
