/** ts-proto's names of what contracts declare. */
import type { DescEnum, DescMessage, DescMethod } from '@bufbuild/protobuf';
import { capitalised } from '../words.js';

/** The name of a method, or of a value of a message's type: `sayHello`. */
export const methodKey = ({ name }: DescMethod | DescMessage): string => name.slice(0, 1).toLowerCase() + name.slice(1);

/** The name of a message or an enum: `Outer_Inner`. */
export function typeName(type: DescEnum | DescMessage): string {
  const name = nestedName(type);
  return name === 'Date' || name === 'Function' ? `${name}Message` : name;
}

function nestedName({ name, parent }: DescEnum | DescMessage): string {
  return parent === undefined ? fieldName(name) : `${nestedName(parent)}_${fieldName(name)}`;
}

/** The name of a field, such as `displayName`. A name without underscores is unchanged. A name without lower-case letters is converted to lower case first. */
export function fieldName(name: string): string {
  if (!name.includes('_')) return name;
  const words = (/[a-z]/.test(name) ? name : name.toLowerCase()).split('_');
  return words.map((word, index) => (index === 0 ? word : capitalised(word))).join('');
}
