import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';

const { add } = AdderServiceDefinition.methods;

/** Contracts of so many services, each with so many methods: all add, with the policy of `Add`. */
export function contracts({ services, methods }) {
  const names = Array.from({ length: methods }, (_, index) => `Add${index}`);
  const ofEach = Object.fromEntries(names.map((name) => [name.toLowerCase(), { ...add, name }]));
  return Array.from({ length: services }, (_, index) => {
    const name = `Adder${index}Service`;
    return { ...AdderServiceDefinition, name, fullName: `rondo.growth.v1.${name}`, methods: ofEach };
  });
}
