import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { type Auth, Exposure, MethodPolicy, ServicePolicy } from '@rondo/contracts/rondo/options/v1/options';

/** The field numbers of `rondo.options.v1.method` and `rondo.options.v1.service`. */
const METHOD_POLICY = 50550;
const SERVICE_POLICY = 50551;

/** Packages whose services the gateway never offers, whatever their contracts say. */
const RESERVED = ['rondo.', 'grpc.', 'xds.'];

/** Whether the name of a service alone keeps it inside: it is part of Rondo, of gRPC, or of xDS (the reports of load). */
export function isReserved(service: string): boolean {
  return RESERVED.some((prefix) => service.startsWith(prefix));
}

/**
 * Whether callers from outside may reach a service, by its name and its contract's `exposure`. A value that this gateway
 * doesn't know, from a later version of the option, keeps the service inside.
 *
 * @throws Error if the option's bytes are damaged.
 */
export function isPublic(desc: DescService): boolean {
  if (isReserved(desc.typeName)) return false;
  const { exposure } = ServicePolicy.decode(optionBytes(desc, SERVICE_POLICY));
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
 * Who may call a method, by its contract. Undefined if it doesn't say.
 *
 * @throws Error if the option's bytes are damaged.
 */
export function authOf(desc: DescMethod): Auth | undefined {
  return MethodPolicy.decode(optionBytes(desc, METHOD_POLICY)).auth;
}

/** A custom option that is a message. One that is set in several places is the concatenation of all of them. */
function optionBytes({ proto }: DescService | DescMethod, field: number): Uint8Array {
  const found = proto.options?.$unknown?.filter(({ no }) => no === field) ?? [];
  return Buffer.concat(found.map(({ data }) => new BinaryReader(data).bytes()));
}
