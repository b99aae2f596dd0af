import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { type Auth, Exposure, MethodPolicy, ServicePolicy, type Tool } from '@rondo/contracts/rondo/options/v1/options';
import { servedByOf } from '@rondo/rpc/internal';

/** The field numbers of `rondo.options.v1.method` and `rondo.options.v1.service`. */
const METHOD_POLICY = 50550;
const SERVICE_POLICY = 50551;

const servedBy = servedByOf(undefined);

/**
 * Whether the name of a service alone keeps it inside, whatever its contract says: it is part of Rondo, or it is one that
 * every server may have besides its own, such as health.
 */
export function isReserved(service: string): boolean {
  return service.startsWith('rondo.') || servedBy(service) === undefined;
}

/**
 * Whether callers from outside may reach a service, by its name and its contract's `exposure`, or a method of such
 * a service. An unknown value, from a later version of the option, means that they may not.
 *
 * @throws Error if the option's bytes are damaged.
 */
export function isPublic(desc: DescService | DescMethod): boolean {
  if (desc.kind === 'service' && isReserved(desc.typeName)) return false;
  const { exposure } =
    desc.kind === 'service'
      ? ServicePolicy.decode(optionBytes(desc, SERVICE_POLICY))
      : MethodPolicy.decode(optionBytes(desc, METHOD_POLICY));
  return exposure === Exposure.EXPOSURE_UNSPECIFIED || exposure === Exposure.EXPOSURE_PUBLIC;
}

/**
 * Whether HTTP/JSON writes the 64-bit integers of a method as numbers, by its contract.
 *
 * @throws Error if the option's bytes are damaged.
 */
export function writesInt64AsNumber(desc: DescMethod): boolean {
  return MethodPolicy.decode(optionBytes(desc, METHOD_POLICY)).int64AsNumber;
}

/**
 * Who may call a method, by its contract. Undefined if the contract has no rule.
 *
 * @throws Error if the option's bytes are damaged.
 */
export function authOf(desc: DescMethod): Auth | undefined {
  return MethodPolicy.decode(optionBytes(desc, METHOD_POLICY)).auth;
}

/**
 * What a contract says of a method as a tool for agents; undefined if it is none.
 *
 * @throws Error if the option's bytes are damaged.
 */
export function toolOf(desc: DescMethod): (MethodPolicy & { readonly tool: Tool }) | undefined {
  const policy = MethodPolicy.decode(optionBytes(desc, METHOD_POLICY));
  return policy.tool && { ...policy, tool: policy.tool };
}

/** A custom option that is a message. One that is set in several places is the concatenation of all of them. */
function optionBytes({ proto }: DescService | DescMethod, field: number): Uint8Array {
  const found = proto.options?.$unknown?.filter(({ no }) => no === field) ?? [];
  return Buffer.concat(found.map(({ data }) => new BinaryReader(data).bytes()));
}
