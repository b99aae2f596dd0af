import { firstText, WireMessage } from './wire-message.js';

/** A message or enum of a contract. */
export interface DeclaredType {
  readonly kind: 'message' | 'enum';
  readonly descriptor: WireMessage;
  readonly features: Features;
}

/** The declarations of a descriptor set, by fully qualified name with a leading dot. */
export interface TypeIndex {
  /** The service's `ServiceDescriptorProto`. */
  service(name: string): WireMessage | undefined;
  type(name: string): DeclaredType | undefined;
}

/** A top-level declaration of a file, not parsed yet. */
interface TopLevel {
  /** The features of its file. */
  readonly features: Features;
  readonly kind: 'message' | 'enum' | 'service';
  readonly bytes: Uint8Array;
}

/** Field numbers of the declarations in a `FileDescriptorProto`. */
const FIELD_OF = { message: 4, enum: 5, service: 6 } as const;
const KINDS = ['message', 'enum', 'service'] as const;

/**
 * Indexes the files of a set, each a `FileDescriptorProto`. It parses a package when something in it is looked up,
 * because a process needs little of the shared set.
 */
export function indexTypes(files: readonly Uint8Array[]): TypeIndex {
  const unparsed = byPackage(files);
  const tops = new Map<string, TopLevel>();
  const types = new Map<string, DeclaredType>();
  /**
   * The top-level declaration under the longest prefix of `name`, after the packages that it may be in have been
   * parsed.
   */
  const find = (name: string) => {
    for (const scope of enclosing(name)) {
      for (const file of unparsed.get(scope) ?? []) readTop(new WireMessage(file), scope, tops);
      unparsed.delete(scope);
    }
    const outer = enclosing(name).find((part) => tops.has(part));
    const top = outer === undefined ? undefined : tops.get(outer);
    return outer === undefined || top === undefined ? undefined : { outer, ...top };
  };
  return {
    service(name) {
      const found = find(name);
      return found?.kind === 'service' ? new WireMessage(found.bytes) : undefined;
    },
    type(name) {
      if (types.has(name)) return types.get(name);
      const found = find(name);
      if (found === undefined || found.kind === 'service') return undefined;
      const { outer, kind, bytes, features } = found;
      declare({ kind, descriptor: new WireMessage(bytes), features }, outer, types);
      return types.get(name);
    },
  };
}

/** Files by package name with a leading dot; empty for a file without a package. */
function byPackage(files: readonly Uint8Array[]): Map<string, Uint8Array[]> {
  const packages = new Map<string, Uint8Array[]>();
  for (const file of files) {
    const name = firstText(file, 2);
    const scope = name === '' ? '' : `.${name}`;
    packages.set(scope, [...(packages.get(scope) ?? []), file]);
  }
  return packages;
}

/** `.a.b.C` and every scope that may contain it, the longest first: `.a.b`, `.a` and the empty package. */
function enclosing(name: string): readonly string[] {
  const parts = name.split('.');
  return parts.map((_, index) => parts.slice(0, parts.length - index).join('.'));
}

function readTop(file: WireMessage, scope: string, tops: Map<string, TopLevel>): void {
  const features = fileFeatures(file);
  for (const kind of KINDS) {
    for (const bytes of file.parts(FIELD_OF[kind]))
      tops.set(`${scope}.${firstText(bytes, 1)}`, { features, kind, bytes });
  }
}

/** Records a type and everything nested in it. `features` are those of the surrounding scope. */
function declare({ kind, descriptor, ...around }: DeclaredType, name: string, types: Map<string, DeclaredType>): void {
  const features = refine(around.features, descriptor.message(kind === 'message' ? 7 : 3), kind);
  types.set(name, { kind, descriptor, features });
  if (kind === 'enum') return;
  const nested = { message: descriptor.messages(3), enum: descriptor.messages(4) };
  for (const inner of ['message', 'enum'] as const) {
    for (const one of nested[inner])
      declare({ kind: inner, descriptor: one, features }, `${name}.${one.text(1)}`, types);
  }
}

/** How a part of a file is encoded, including edition defaults and all enclosing settings. */
export interface Features {
  readonly presence: 'explicit' | 'implicit' | 'required';
  readonly enumType: 'open' | 'closed';
  readonly repeated: 'packed' | 'expanded';
  readonly messages: 'prefixed' | 'delimited';
  readonly json: 'allow' | 'best-effort';
}

/** Field numbers of `google.protobuf.FeatureSet` in each kind of options. */
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
function fileFeatures(file: WireMessage): Features {
  return refine(BY_SYNTAX.get(file.text(12)) ?? PROTO2, file.message(8), 'file');
}

/** `parent` with the overrides in `options`, the options of a descriptor of this kind. */
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
