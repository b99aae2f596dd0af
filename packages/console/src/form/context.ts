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
