import type { DescEnum, DescField, DescFile, DescMessage, DescMethod, DescOneof } from '@bufbuild/protobuf';

/** Where the code is imported from that is generated for a contract: `@rondo/contracts/helloworld/helloworld`. */
export const moduleOf = (file: string): string => `@rondo/contracts/${file.replace(/\.proto$/, '')}`;

/** What ts-proto calls a method: `sayHello`. */
export const methodKey = ({ name }: DescMethod): string => name.slice(0, 1).toLowerCase() + name.slice(1);

/** What ts-proto calls a field or a oneof of a message: `displayName`. */
export const memberName = ({ name }: DescField | DescOneof): string => camelCase(name);

/** What ts-proto calls a message or an enum: `Outer_Inner`. */
export function typeName(type: DescEnum | DescMessage): string {
  const name = nestedName(type);
  return name === 'Date' || name === 'Function' ? `${name}Message` : name;
}

/** All messages and enums of a file, however deeply they are nested, without the entries of maps. */
export function typesOf(file: DescFile): readonly (DescEnum | DescMessage)[] {
  return [...file.enums, ...file.messages.flatMap(withNested)];
}

function withNested(message: DescMessage): readonly (DescEnum | DescMessage)[] {
  return [message, ...message.nestedEnums, ...message.nestedMessages.flatMap(withNested)];
}

function nestedName({ name, parent }: DescEnum | DescMessage): string {
  return parent === undefined ? camelCase(name) : `${nestedName(parent)}_${camelCase(name)}`;
}

/** A name without underscores stays as it is; one without small letters gets some. */
function camelCase(name: string): string {
  if (!name.includes('_')) return name;
  const words = (/[a-z]/.test(name) ? name : name.toLowerCase()).split('_');
  return words.map((word, index) => (index === 0 ? word : word.slice(0, 1).toUpperCase() + word.slice(1))).join('');
}
