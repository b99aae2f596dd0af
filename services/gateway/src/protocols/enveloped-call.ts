import type { IncomingHttpHeaders } from 'node:http';
import type { Metadata } from '@rondo/rpc/call';
import { type Payload, PREFIX_BYTES } from '@rondo/rpc/internal';
import type { RpcError } from '@rondo/rpc/status';
import type { PublicMethod } from '../discovery/catalogue.js';
import { gatewayErrors } from '../errors.js';
import type { HttpExchange } from '../listener/exchange.js';
import type { BackendReply } from './backend.js';
import { Base64Stream } from './base64-stream.js';
import { type Codec, replyEncoder } from './codec.js';
import { type Encoding, enveloped, messageOf } from './compression.js';
import { createMessageReader, onlyMessage } from './envelope.js';
import { type CallSettings, type FrontEnd, type FrontEndOptions, InboundCall } from './inbound-call.js';

/** What the headers of a request say of its messages. */
export interface EnvelopedSettings extends CallSettings {
  /** How the request's messages may be compressed. */
  readonly encoding: Encoding;
  /** Whether the reply's messages are compressed. */
  readonly compress: boolean;
}

/** A protocol whose messages are in envelopes: how its calls begin and end. */
export interface EnvelopedProtocol {
  readonly codec: Codec;
  /** Whether the bodies are base64. */
  readonly text: boolean;
  /** @throws RpcError for headers that are malformed or name what isn't supported. */
  settings(headers: IncomingHttpHeaders): Omit<EnvelopedSettings, 'codec'>;
  /** Sends the headers of an answer with messages. */
  respond(exchange: HttpExchange, header: Metadata, settings: Pick<EnvelopedSettings, 'compress'>): void;
  /** Ends an answer whose headers were sent. `last` is its last message, if that wasn't sent. */
  succeed(exchange: HttpExchange, trailer: Metadata, last: Buffer | undefined): void;
  /** Ends an answer with an error, whether or not its headers were sent. */
  fail(exchange: HttpExchange, error: RpcError): void;
}

/** How an answer without messages is sent. */
export const UNCOMPRESSED = { compress: false } as const;

/** Serves calls of a protocol whose messages are in envelopes. */
export function createEnvelopedFrontEnd(protocol: EnvelopedProtocol, options: FrontEndOptions): FrontEnd {
  return {
    serve(exchange, target) {
      void new EnvelopedCall(new InboundCall(exchange, target, options), protocol, options.maxMessageBytes).serve();
    },
    refuse: (exchange, error) => protocol.fail(exchange, error),
  };
}

class EnvelopedCall {
  readonly #call: InboundCall;
  readonly #exchange: HttpExchange;
  readonly #target: PublicMethod;
  readonly #protocol: EnvelopedProtocol;
  readonly #maxBytes: number;
  /** The stream of requests; undefined if the method takes one, which is read before the backend is called. */
  #requests: AsyncGenerator<Buffer> | undefined;

  constructor(call: InboundCall, protocol: EnvelopedProtocol, maxBytes: number) {
    this.#call = call;
    this.#exchange = call.exchange;
    this.#target = call.target;
    this.#protocol = protocol;
    this.#maxBytes = maxBytes;
  }

  async serve(): Promise<void> {
    try {
      const settings = { codec: this.#protocol.codec, ...this.#protocol.settings(this.#exchange.headers) };
      const metadata = this.#call.metadata();
      const payload = this.#target.method.requestStream ? this.#stream(settings) : await this.#single(settings);
      const reply = await this.#call.send(payload, metadata, settings);
      await this.#answer(reply, settings);
      this.#leaveRequest();
    } catch (fault) {
      this.#leaveRequest();
      this.#fail(this.#call.errorOf(fault));
    }
  }

  async #single(settings: EnvelopedSettings): Promise<Payload<Uint8Array>> {
    const maxBytes = this.#maxBytes + PREFIX_BYTES;
    const { text } = this.#protocol;
    const { body } = this.#exchange;
    const whole = await this.#call.read(body.whole(text ? base64Length(maxBytes) : maxBytes), settings);
    const envelope = onlyMessage(text ? decodeText(whole) : whole, this.#maxBytes);
    const message = messageOf(envelope, { encoding: settings.encoding, body, maxBytes: this.#maxBytes });
    return { stream: false, message: Buffer.isBuffer(message) ? message : await message };
  }

  #stream(settings: EnvelopedSettings): Payload<Uint8Array> {
    this.#requests = this.#readRequests(settings);
    return { stream: true, messages: this.#requests };
  }

  /** Yields the requests as the backend asks for them, so that the client sends no faster than the service reads. */
  async *#readRequests({ encoding }: EnvelopedSettings): AsyncGenerator<Buffer> {
    const reader = createMessageReader(this.#maxBytes);
    const base64 = this.#protocol.text ? new Base64Stream() : undefined;
    try {
      const { body } = this.#exchange;
      for await (const chunk of body.chunks({ steady: () => !reader.whole })) {
        reader.push(base64 === undefined ? chunk : base64.decode(chunk));
        for (let envelope = reader.next(); envelope !== undefined; envelope = reader.next()) {
          yield await messageOf(envelope, { encoding, body, maxBytes: this.#maxBytes });
        }
        body.hold(reader.heldBytes);
      }
      if (!reader.whole || base64?.whole === false) throw gatewayErrors.CUT_OFF();
      // A client that cancels an upload ends the stream and then resets it.
      await this.#exchange.peerCaughtUp?.();
      this.#call.context.throwIfEnded();
    } catch (fault) {
      throw this.#call.refuse(fault);
    }
  }

  async #answer({ header, trailer, response, from }: BackendReply, settings: EnvelopedSettings): Promise<void> {
    const encode = replyEncoder(this.#target, settings.codec, from);
    if (!response.stream) {
      const frame = enveloped(encode(response.message), settings.compress);
      const last = Buffer.isBuffer(frame) ? frame : await frame;
      this.#call.finish(() => {
        this.#protocol.respond(this.#exchange, header, settings);
        this.#protocol.succeed(this.#exchange, trailer, this.#encoded(last));
      });
      return;
    }
    const respond = () => {
      if (!this.#exchange.responded) this.#protocol.respond(this.#exchange, header, settings);
    };
    if (this.#isHeaderEarly(from)) respond();
    for await (const message of response.messages) {
      this.#call.context.throwIfEnded();
      respond();
      await this.#exchange.write(this.#encoded(await enveloped(encode(message), settings.compress)));
    }
    if (!this.#exchange.responded) {
      respond();
      // The exchange would send headers and trailers of one turn as one block; these must stay apart.
      await undefined;
    }
    this.#call.finish(() => this.#protocol.succeed(this.#exchange, trailer, undefined));
  }

  /**
   * Whether the header is sent before the first message. A handler in this process can still change it until then. Over
   * HTTP/1.1 many clients read the answer only after they have sent the request.
   */
  #isHeaderEarly(from: BackendReply['from']): boolean {
    return from !== undefined && (this.#requests === undefined || this.#exchange.version === '2');
  }

  #fail(error: RpcError): void {
    this.#call.finish(() => this.#protocol.fail(this.#exchange, error));
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
  if (!base64.whole) throw gatewayErrors.CUT_OFF();
  return decoded;
}
