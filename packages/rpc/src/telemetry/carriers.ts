import type { TextMapGetter, TextMapSetter } from '@opentelemetry/api';
import type { Metadata } from '../call/metadata.js';
import type { TraceHeaders } from '../call/trace.js';

/** Metadata as a propagator reads and writes it. What can't be sent is left out: no call fails because of its trace. */
export const METADATA = {
  keys: (metadata) => [...metadata].map(([key]) => key),
  get(metadata, key) {
    if (!metadata.has(key)) return undefined;
    const texts = metadata.getAll(key).filter((value) => typeof value === 'string');
    return texts.length > 1 ? texts.join(',') : texts[0];
  },
  set(metadata, key, value) {
    try {
      metadata.set(key, value);
    } catch {
      return; // the caller's own entries go first
    }
  },
} satisfies TextMapGetter<Metadata> & TextMapSetter<Metadata>;

/** The headers of a request as a propagator reads and writes them. */
export const HEADERS: TextMapGetter<TraceHeaders> & TextMapSetter<TraceHeaders> = {
  keys: (headers) => Object.keys(headers),
  get(headers, key) {
    const value = headers[key];
    return Array.isArray(value) ? value.join(',') : value;
  },
  set(headers, key, value) {
    headers[key] = value;
  },
};
