import * as grpc from '@grpc/grpc-js';
import { clientErrors } from '../../errors/client.js';
import { ACCEPT_ENCODING, ACCEPTED_ENCODINGS, type DecompressionErrors, decompress, ENCODING } from './compression.js';
import { LONG_BYTES, PREFIX_BYTES, prefixOf, withPrefix } from './length-prefix.js';
import { toBuffer } from './metadata.js';
import { untakenCall } from './wire.js';

/** A call that has begun, on each layer of grpc-js. */
export type StartedCall = Pick<
  ReturnType<grpc.Channel['createCall']>,
  'cancelWithStatus' | 'halfClose' | 'sendMessageWithContext' | 'startRead'
>;

/** What arrives of a call. */
export interface CallListener {
  onReceiveMetadata(metadata: grpc.Metadata): void;
  onReceiveMessage(message: Buffer | Promise<Buffer>): void;
  readonly onReceiveStatus: (status: grpc.StatusObject) => void;
}

/** What grpc-js tells of a call on its connection: messages with their prefixes. */
interface WireListener extends CallListener {
  onReceiveMessage(message: Buffer): void;
}

/** A call of one request. */
export interface DirectCall {
  readonly path: string;
  readonly metadata: grpc.Metadata;
  readonly message: Uint8Array;
  readonly maxReplyBytes: number;
  readonly listener: CallListener;
}

/** The parts of a channel that are private to grpc-js. */
interface PrivateChannel {
  readonly defaultAuthority: string;
  readonly currentPicker: {
    /** What the channel has connected to; other pickers than that of a ready channel lack it. */
    readonly subchannel?: {
      getRealSubchannel(): {
        getConnectivityState(): grpc.connectivityState;
        createCall(metadata: grpc.Metadata, authority: string, path: string, listener: WireListener): StartedCall;
      };
    };
  };
}

/**
 * Begins a call of one request on the connection of a ready channel, and sends the request uncompressed. It leaves out the layers
 * of grpc-js above the connection, which look up names, pick, and wait: a Rondo client has done that. See ADR 0038.
 *
 * @returns undefined if the channel isn't ready, or this version of grpc-js differs: `Channel.createCall` then serves.
 * @throws TransportError if the connection has just ended and doesn't take the call.
 */
export function startDirectly(channel: grpc.Channel, call: DirectCall): StartedCall | undefined {
  const { currentPicker, defaultAuthority }: Partial<PrivateChannel> = Reflect.get(channel, 'internalChannel') ?? {};
  const subchannel = currentPicker?.subchannel?.getRealSubchannel();
  if (subchannel === undefined || defaultAuthority === undefined) return undefined;
  if (subchannel.getConnectivityState() !== grpc.connectivityState.READY) return undefined;
  const { path, metadata, message, listener, maxReplyBytes } = call;
  metadata.set(ACCEPT_ENCODING, ACCEPTED_ENCODINGS);
  // For proxies that would compress HTTP.
  metadata.set('accept-encoding', 'identity');
  let started: StartedCall;
  try {
    started = subchannel.createCall(metadata, defaultAuthority, path, decompressing(listener, maxReplyBytes));
  } catch (fault) {
    throw untakenCall(fault);
  }
  if (message.length <= LONG_BYTES) {
    started.sendMessageWithContext({}, withPrefix(message));
  } else {
    started.sendMessageWithContext({}, prefixOf(message.length));
    started.sendMessageWithContext({}, toBuffer(message));
  }
  started.halfClose();
  return started;
}

/** Takes messages as they come over the wire, and passes them on without prefix and compression. */
function decompressing(listener: CallListener, maxReplyBytes: number): WireListener {
  let encoding: grpc.MetadataValue | undefined;
  return {
    onReceiveMetadata(header: grpc.Metadata) {
      [encoding] = header.get(ENCODING);
      header.remove(ENCODING);
      header.remove(ACCEPT_ENCODING);
      listener.onReceiveMetadata(header);
    },
    onReceiveMessage(received: Buffer) {
      const body = received.subarray(PREFIX_BYTES);
      if (received[0] !== 1) return listener.onReceiveMessage(body);
      const message = decompress(body, { encoding, maxBytes: maxReplyBytes }, ERRORS);
      // Its reader comes when the call has ended well.
      message.catch(() => undefined);
      listener.onReceiveMessage(message);
    },
    onReceiveStatus: listener.onReceiveStatus,
  };
}

const ERRORS: DecompressionErrors = {
  unreadable: () => clientErrors.UNREADABLE_REPLY(),
  tooLong: (maxBytes) => clientErrors.INFLATED_REPLY_TOO_LONG({ maxBytes }),
};
