import * as grpc from '@grpc/grpc-js';

/**
 * Reads why a channel can't connect: `undefined` if grpc-js knows no reason. It reports the reason only to calls, so this
 * makes one.
 */
export function readConnectError(channel: grpc.Channel, onReason: (reason: string | undefined) => void): void {
  callUnserved(channel, '/', ({ details }) => {
    const reason = /Last error: (?:Error: )?(.*?)\. Resolution note/.exec(details)?.[1] ?? details;
    onReason(reason.startsWith('Failed to connect') ? undefined : reason);
  });
}

/** Calls a method that no server implements. */
function callUnserved(channel: grpc.Channel, path: string, onStatus: (status: grpc.StatusObject) => void): void {
  const call = channel.createCall(path, Number.POSITIVE_INFINITY, null, null, null);
  call.start(new grpc.Metadata(), { onReceiveMetadata() {}, onReceiveMessage() {}, onReceiveStatus: onStatus });
  call.halfClose();
}
