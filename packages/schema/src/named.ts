import type { DescEnum, DescEnumValue, DescExtension, DescField, DescFile, DescMessage } from '@bufbuild/protobuf';

/** Finds by name in what a descriptor has. It is indexed at the first look, as a search takes long if both are large. */
function index<D extends object, T>(entriesOf: (desc: D) => readonly (readonly [name: string, found: T])[]) {
  const known = new WeakMap<D, ReadonlyMap<string, T>>();
  return (desc: D, name: string): T | undefined => {
    const names = known.get(desc) ?? new Map(entriesOf(desc).toReversed());
    known.set(desc, names);
    return names.get(name);
  };
}

/** The field that a key of a message in JSON names: as in the contract, or as in JSON. */
export const fieldNamed = index<DescMessage, DescField>(({ fields }) =>
  fields.flatMap((one) => [[one.name, one] as const, [one.jsonName, one] as const]),
);

/** The value of an enum that has this name. */
export const valueNamed = index<DescEnum, DescEnumValue>(({ values }) => values.map((one) => [one.name, one]));

/** The extension of this name in the imports of a file. */
export const extensionNamed = index<DescFile, DescExtension>(({ dependencies }) =>
  dependencies.flatMap(({ extensions }) => extensions.map((one) => [one.typeName, one] as const)),
);
