/** Checks requests by the rules of their contract. It is loaded when the first form is shown. */
import { type DescMessage, fromJson, type JsonValue, type Registry } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import { createValidator } from '@bufbuild/protovalidate';

/** What a request breaks. */
export interface Fault {
  /** The place of the value; empty for the whole request. */
  readonly path: string;
  readonly text: string;
}

/** The faults of a request in JSON, as the server would find them. */
export function faultsOf(desc: DescMessage, json: JsonValue, registry: Registry): readonly Fault[] {
  try {
    const result = createValidator({ registry }).validate(desc, fromJson(desc, json, { registry }));
    if (result.kind === 'error') return [];
    return (result.violations ?? []).map(({ field, message }) => ({ path: pathToString(field), text: message }));
  } catch (cause) {
    return [{ path: '', text: cause instanceof Error ? cause.message : String(cause) }];
  }
}
