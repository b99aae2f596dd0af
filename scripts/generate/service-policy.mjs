/** What a service's contract says of it as a whole, where ts-proto shows it: on its methods. */
import { create } from '@bufbuild/protobuf';
import { MethodOptionsSchema } from '@bufbuild/protobuf/wkt';

/** The field of `rondo.options.v1.service` in `google.protobuf.ServiceOptions`. */
const SERVICE_POLICY = 50551;

/**
 * ts-proto's definitions have the options of methods alone: each method is given those of its service beside its own.
 * @param {import('@bufbuild/protobuf/wkt').FileDescriptorProto[]} files Changed in place.
 */
export function copyServicePolicies(files) {
  for (const service of files.flatMap((file) => file.service)) {
    const policies = (service.options?.$unknown ?? []).filter(({ no }) => no === SERVICE_POLICY);
    if (policies.length === 0) continue;
    for (const method of service.method) {
      method.options ??= create(MethodOptionsSchema);
      method.options.$unknown = [...(method.options.$unknown ?? []), ...policies];
    }
  }
}
