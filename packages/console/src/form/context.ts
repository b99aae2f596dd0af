import type { DescMessage, JsonValue } from '@bufbuild/protobuf';
import type { ComponentType } from 'preact';
import type { Fault } from './validate.js';

/** What all inputs of a form share. */
export interface FormContext {
  readonly faults: readonly Fault[];
  /** The inputs of a message, for messages inside of messages. */
  readonly Fields: ComponentType<MessageProps>;
}

/** A message, its value in JSON, and where it stands in the request. */
export interface MessageProps {
  readonly desc: DescMessage;
  readonly value: { readonly [name: string]: JsonValue };
  readonly onChange: (value: { readonly [name: string]: JsonValue }) => void;
  readonly path: string;
  readonly form: FormContext;
}

/** The place of a value in a request, as `buf.validate` writes it: `lines[0].product`, `labels["a"]`. */
export const inside = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** The place of an item of a list. */
export const itemOf = (path: string, index: number): string => `${path}[${index}]`;

/** The place of an entry of a map. */
export const entryOf = (path: string, key: string): string => `${path}[${JSON.stringify(key)}]`;
