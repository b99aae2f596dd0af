import { type DescMessage, ScalarType } from '@bufbuild/protobuf';

/** What a message can hold, itself or in messages inside it, so that work for the rest can be left out. */
export interface Facts {
  /** Types of google.protobuf, which have their own form in JSON. An Any can hold everything. */
  readonly wellKnown: boolean;
  /** Numbers with a fraction. */
  readonly floats: boolean;
}

const known = new WeakMap<DescMessage, Facts>();

export function factsOf(desc: DescMessage): Facts {
  const present = known.get(desc);
  if (present !== undefined) return present;
  const reached = new Set([desc]);
  // The set grows during the iteration, which then visits the new entries too.
  for (const { fields } of reached) for (const { message } of fields) if (message !== undefined) reached.add(message);
  const facts = {
    wellKnown: [...reached].some(({ typeName }) => typeName.startsWith('google.protobuf.')),
    floats: [...reached].some(({ fields }) =>
      fields.some(({ scalar }) => scalar === ScalarType.DOUBLE || scalar === ScalarType.FLOAT),
    ),
  };
  known.set(desc, facts);
  return facts;
}
