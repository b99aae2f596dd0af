import type { DescFile } from '@bufbuild/protobuf';

/** The field numbers in `SourceCodeInfo.Location.path` (descriptor.proto) that lead to the declarations of a file. */
export const PATH = { service: 6, method: 2, methodOptions: 4, serviceOptions: 3, message: 4, messageOptions: 7 };

/** `proto/greeter/v1/greeter.proto:16: …`, with the line of the option, or of the method or service that has it. */
export function told(file: DescFile, path: readonly number[], reason: string): string {
  const lines = new Map(
    file.proto.sourceCodeInfo?.location.map((location) => [location.path.join('.'), (location.span[0] ?? 0) + 1]),
  );
  // An option whose fields are set one by one has a line for each. The first is taken.
  const own = [...lines].find(([key]) => key === path.join('.') || key.startsWith(`${path.join('.')}.`));
  const around = [path.slice(0, -2), path.slice(0, 2)].map((one) => lines.get(one.join('.')));
  const line = [own?.[1], ...around].find((known) => known !== undefined);
  return `proto/${file.name}.proto:${line ?? '?'}: ${reason}`;
}
