import type { DescEnum, DescMessage } from '@bufbuild/protobuf';
import { Edition, FeatureSet_JsonFormat as JsonFormat } from '@bufbuild/protobuf/wkt';

/** Whether a type promises JSON, in words: `strict` where it does, as all but proto2's do unless they say otherwise. */
export function jsonFormat(type: DescEnum | DescMessage): 'strict' | 'best effort' {
  for (let at: DescEnum | DescMessage | undefined = type; at !== undefined; at = at.parent) {
    const said = inWords(at.proto.options?.features?.jsonFormat);
    if (said !== undefined) return said;
  }
  const fallback = type.file.edition === Edition.EDITION_PROTO2 ? 'best effort' : 'strict';
  return inWords(type.file.proto.options?.features?.jsonFormat) ?? fallback;
}

function inWords(format: JsonFormat | undefined): 'strict' | 'best effort' | undefined {
  if (format === JsonFormat.ALLOW) return 'strict';
  return format === JsonFormat.LEGACY_BEST_EFFORT ? 'best effort' : undefined;
}
