import { checkText, type TextFields, TextReader } from './text.js';
import type { Violation, Violations } from './violations.js';

/** The generated type of a message. */
export interface MessageType<T> {
  readonly $type: string;
  decode(input: TextReader): T;
}

/** The compiled rules of a message; undefined if it has none, and no message in it has. */
export type Rules = (message: never) => Violations;

/** What a server checks in each message of a type. */
export interface Checking<T = unknown> {
  /** The fields that have text. */
  readonly texts: () => TextFields;
  /** The violations of the contract's rules. */
  readonly rules: Rules | undefined;
  /** Decodes a message; `violations` then checks its text and its rules. Call {@link load} before. */
  decode(bytes: Uint8Array): { readonly message: T; violations(): readonly Violation[] };
  /** Loads what {@link decode} needs besides; undefined if that is nothing, or loaded. */
  load?(): Promise<void> | undefined;
}

/** The checks of a message whose rules are compiled. */
export function checking<T>(type: MessageType<T>, texts: () => TextFields, rules?: Rules): Checking<T> {
  return {
    texts,
    rules,
    decode(bytes) {
      const reader = new TextReader(bytes);
      const message = type.decode(reader);
      return { message, violations: () => [...(rules?.(message as never) ?? []), ...inText(reader, bytes, texts)] };
    },
  };
}

function inText({ valid }: TextReader, bytes: Uint8Array, texts: () => TextFields): readonly Violation[] {
  return valid ? [] : (checkText(bytes, texts()) ?? []);
}

/** The file descriptors of a contract, which rules in CEL need: `FileDescriptorProto`s in base64, each after its imports. */
export interface Descriptors {
  readonly files: readonly string[];
}

/** The checks of a message that has rules in CEL, or that has a message with such rules. */
export function checkingByCel<T>(
  type: MessageType<T>,
  texts: () => TextFields,
  descriptors: () => Promise<Descriptors>,
): Checking<T> {
  let validate: ((bytes: Uint8Array) => readonly Violation[]) | undefined;
  let loading: Promise<void> | undefined;
  return {
    texts,
    rules: undefined,
    decode(bytes) {
      const reader = new TextReader(bytes);
      const message = type.decode(reader);
      return {
        message,
        violations() {
          if (validate === undefined) throw new Error(`the rules of ${type.$type} aren't loaded yet`);
          return [...validate(bytes), ...inText(reader, bytes, texts)];
        },
      };
    },
    load() {
      if (validate !== undefined) return undefined;
      loading ??= Promise.all([import('./protovalidate.js'), descriptors()]).then(([{ validatorOf }, { files }]) => {
        validate = validatorOf(type.$type, files);
      });
      return loading;
    },
  };
}
