import type { TextMapGetter, TextMapSetter } from '@opentelemetry/api';
import type { Metadata } from '../call/metadata.js';
import type { TraceHeaders } from '../call/tracing.js';

/** A longer entry is none: W3C's limit of `baggage`, the longest of them. Characters. */
const MAX_LENGTH = 8_192;

const bounded = (text: string | undefined): string | undefined =>
  text === undefined || text.length > MAX_LENGTH ? undefined : text;

/** Metadata as a propagator reads and writes it. What can't be sent is left out: no call fails because of its trace. */
export const METADATA: TextMapGetter<Metadata> & TextMapSetter<Metadata> = {
  keys: (metadata) => [...metadata].map(([key]) => key),
  get(metadata, key) {
    const texts = metadata.getAll(key).filter((value) => typeof value === 'string');
    return bounded(texts.length > 1 ? texts.join(',') : texts[0]);
  },
  set(metadata, key, value) {
    try {
      metadata.set(key, value);
    } catch {
      return; // the caller's own entries go first
    }
  },
};

/** The headers of a request as a propagator reads and writes them. */
export const HEADERS: TextMapGetter<TraceHeaders> & TextMapSetter<TraceHeaders> = {
  keys: (headers) => Object.keys(headers),
  get(headers, key) {
    const value = headers[key];
    return bounded(Array.isArray(value) ? value.join(',') : value);
  },
  set(headers, key, value) {
    headers[key] = value;
  },
};
