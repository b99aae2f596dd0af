import type { Any } from '@rondo/contracts/google/protobuf/any';

/** A generated message type that names itself, such as those of `google/rpc/error_details`. */
export interface DetailType<T> {
  readonly $type: string;
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
  fromPartial(partial: object): T;
}

const PREFIX = 'type.googleapis.com/';

/** Packs a message into an error detail, as `google.protobuf.Any` does. */
export function packDetail<T>(type: DetailType<T>, partial: Parameters<DetailType<T>['fromPartial']>[0]): Any {
  return { typeUrl: PREFIX + type.$type, value: Buffer.from(type.encode(type.fromPartial(partial)).finish()) };
}

/** The first detail of `type`, decoded; undefined where there is none or it doesn't decode. */
export function unpackDetail<T>(details: readonly Any[], type: DetailType<T>): T | undefined {
  const found = details.find(({ typeUrl }) => typeUrl.slice(typeUrl.lastIndexOf('/') + 1) === type.$type);
  if (found === undefined) return undefined;
  try {
    return type.decode(found.value);
  } catch {
    return undefined; // another version's bytes: the code and message still stand
  }
}
