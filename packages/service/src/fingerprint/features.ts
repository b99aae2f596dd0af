import type { WireMessage } from './wire-message.js';

/** How a part of a file is encoded, its edition's defaults and all enclosing settings taken into account. */
export interface Features {
  readonly presence: 'explicit' | 'implicit' | 'required';
  readonly enumType: 'open' | 'closed';
  readonly repeated: 'packed' | 'expanded';
  readonly messages: 'prefixed' | 'delimited';
  readonly json: 'allow' | 'best-effort';
}

/** Where the options of each kind of descriptor hold their `google.protobuf.FeatureSet`. */
const FEATURES_FIELD = { file: 50, message: 12, field: 21, enum: 7 } as const;

const PROTO2: Features = {
  presence: 'explicit',
  enumType: 'closed',
  repeated: 'expanded',
  messages: 'prefixed',
  json: 'best-effort',
};
const EDITION_2023: Features = {
  presence: 'explicit',
  enumType: 'open',
  repeated: 'packed',
  messages: 'prefixed',
  json: 'allow',
};
const BY_SYNTAX: ReadonlyMap<string | undefined, Features> = new Map([
  ['editions', EDITION_2023],
  ['proto3', { ...EDITION_2023, presence: 'implicit' }],
]);

/**
 * The features of a `FileDescriptorProto`.
 *
 * Source: https://protobuf.dev/editions/features/
 */
export function fileFeatures(file: WireMessage): Features {
  return refine(BY_SYNTAX.get(file.text(12)) ?? PROTO2, file.message(8), 'file');
}

/** `parent` with what `options`, those of a descriptor of this kind, say otherwise. */
export function refine(
  parent: Features,
  options: WireMessage | undefined,
  kind: keyof typeof FEATURES_FIELD,
): Features {
  const set = options?.message(FEATURES_FIELD[kind]);
  if (set === undefined) return parent;
  const pick = <K extends keyof Features>(feature: K, field: number, values: readonly Features[K][]) =>
    values[(set.number(field) ?? 0) - 1] ?? parent[feature];
  return {
    presence: pick('presence', 1, ['explicit', 'implicit', 'required']),
    enumType: pick('enumType', 2, ['open', 'closed']),
    repeated: pick('repeated', 3, ['packed', 'expanded']),
    messages: pick('messages', 5, ['prefixed', 'delimited']),
    json: pick('json', 6, ['allow', 'best-effort']),
  };
}
