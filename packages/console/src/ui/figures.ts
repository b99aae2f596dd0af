const short = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 0 });

/** A number with at most one decimal; a dash if it isn't known. */
export const figure = (value: number | undefined): string => (value === undefined ? '–' : short.format(value));

/** A share, 0 to 1, in percent; a dash if it isn't known. */
export const share = (value: number | undefined): string => (value === undefined ? '–' : percent.format(value));

/** Two percentiles in milliseconds. */
export const latency = (p50Ms: number | undefined, p99Ms: number | undefined): string =>
  p50Ms === undefined ? '–' : `${short.format(p50Ms)} / ${figure(p99Ms)} ms`;
